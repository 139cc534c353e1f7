#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "db/sqlite_graph_store.h"
#include "db/sqlite_ledger.h"
#include "proxy/base/json.h"
#include "proxy/http/http1_client.h"
#include "proxy/wire/report.h"
#include "rollout/controller/controller.h"

namespace loam {

/// A whole controller on a record in a directory of its own, served by another thread; the test is its client.
class ControllerFixture : public testing::Test {
 protected:
  void SetUp() override {
    static std::atomic<int> count = 0;
    directory = std::filesystem::temp_directory_path() /
                ("loam-api-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    std::filesystem::create_directories(directory);
    settings.socket = directory / "controller.sock";
    settings.database = directory / "graph.db";
    settings.control = directory / "control.db";
    settings.authority.directory = directory / "authority";
    start();
  }

  void TearDown() override {
    stop();
    std::filesystem::remove_all(directory);
  }

  void start() {
    auto opened = db::openGraphStore(settings.database);
    ASSERT_TRUE(opened) << opened.error().describe();
    store = *std::move(opened);
    auto control = db::openLedger(settings.control, clock);
    ASSERT_TRUE(control) << control.error().describe();
    ledger = *std::move(control);
    auto emergency = audit::Journal::open(settings.control + ".journal");
    ASSERT_TRUE(emergency) << emergency.error().describe();
    journal = *std::move(emergency);
    auto made = controller::Controller::make(settings, {*store, *ledger, *journal}, clock, log);
    ASSERT_TRUE(made) << made.error().describe();
    served = *std::move(made);
    thread = std::thread([this] { served->run(); });
  }

  void stop() {
    if (!thread.joinable()) return;
    served->stop();
    thread.join();
    served.reset();
    journal.reset();
    ledger.reset();
    store.reset();
  }

  http::Response send(http::Request request) const {
    const auto response =
        http::fetchAndWait(*http::Target::parse(settings.socket), std::move(request), milliseconds(60'000));
    EXPECT_TRUE(response) << response.error().describe();
    return response ? *response : http::Response{.status = 0};
  }
  http::Response get(const std::string& target) const { return send({.target = target}); }
  Json::Value json(const std::string& target) const {
    const auto response = get(target);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    return parseJson(response.body).value_or(Json::Value());
  }
  http::Response post(const std::string& target, std::string body) const {
    return send({.method = "POST",
                 .target = target,
                 .headers = {{"Content-Type", "application/json"}},
                 .body = std::move(body)});
  }
  http::Response put(const std::string& target, std::string body) const {
    return send({.method = "PUT",
                 .target = target,
                 .headers = {{"Content-Type", "application/json"}},
                 .body = std::move(body)});
  }

  /// A report of `proxy` about the last half minute: 10.0.0.1 called 10.0.0.2:80 (http1) 10 times, once in error.
  wire::Report report(std::uint64_t sequence, const std::string& proxy = "web-1") const {
    const std::int64_t now = unixSeconds(clock.wall());
    wire::Report out;
    out.proxy = proxy;
    out.role = "node";
    out.epoch = 7;
    out.sequence = sequence;
    out.from = (now - 30) * 1000;
    out.to = now * 1000;
    wire::EdgeReport edge;
    edge.client = *IpAddress::parse("10.0.0.1");
    edge.destination = *SocketAddress::parse("10.0.0.2:80");
    edge.vantage = "outbound";
    edge.protocol = "http1";
    wire::Bucket bucket;
    bucket.start = (now - 20) / wire::kBucketSeconds * wire::kBucketSeconds;
    bucket.counts.connections = 2;
    bucket.counts.requests = 10;
    bucket.counts.errors = 1;
    bucket.counts.bytesSent = 1000;
    bucket.counts.bytesReceived = 20'000;
    bucket.counts.latency.record(5000, 10);
    wire::RouteCounts route;
    route.route = "GET /users/{id}";
    route.counts.requests = 10;
    route.counts.errors = 1;
    route.counts.latency.record(5000, 10);
    bucket.routes.push_back(route);
    edge.buckets.push_back(bucket);
    out.edges.push_back(edge);
    out.names.push_back({*IpAddress::parse("10.0.0.1"), 0, "process", "frontend", 3});
    out.names.push_back({*IpAddress::parse("10.0.0.2"), 80, "host", "checkout.shop", 3});
    return out;
  }

  SystemClock clock;
  Log log{LogLevel::Error};
  std::filesystem::path directory;
  controller::Settings settings;
  std::unique_ptr<record::GraphStore> store;
  std::unique_ptr<audit::Ledger> ledger;
  std::unique_ptr<audit::Journal> journal;
  std::unique_ptr<controller::Controller> served;
  std::thread thread;
};

}  // namespace loam
