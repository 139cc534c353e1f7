#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>

#include "proxy/base/json.h"
#include "proxy/relay/silent_tap.h"
#include "proxy/server/server.h"
#include "tests/support/echo_server.h"

namespace loam::server {
namespace {

/// A proxy of two workers before an echo server that its snapshots call billing.
class AdmissionTest : public testing::Test {
 protected:
  void SetUp() override {
    Settings settings;
    settings.workers = 2;
    settings.listen.push_back({*SocketAddress::parse("127.0.0.1:0"), upstream_.address()});
    auto started =
        Server::start(settings, clock_, log_, [](unsigned) { return std::make_unique<relay::SilentTapFactory>(); });
    ASSERT_TRUE(started) << started.error().describe();
    server_ = *std::move(started);
  }
  /// Every worker has it when this returns.
  void install(const std::string& feature, const std::string& stage, const std::string& settings) {
    wire::FeatureConfig config;
    config.feature = feature;
    config.stage = stage;
    config.settings = *parseJson(settings);
    wire::ServiceConfig service;
    service.name = "billing";
    service.endpoints = {upstream_.address()};
    service.features = {config};
    wire::Snapshot snapshot;
    snapshot.services = {service};
    auto table = ServiceTable::make(snapshot, ledger_);
    ASSERT_TRUE(table) << table.error().describe();
    const auto inEffect = std::make_shared<std::promise<void>>();
    auto waiting = inEffect->get_future();
    server_->install(std::make_shared<const ServiceTable>(*std::move(table)), [inEffect] { inEffect->set_value(); });
    ASSERT_EQ(waiting.wait_for(seconds(5)), std::future_status::ready);
  }
  Descriptor connect() const {
    Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const socklen_t length = server_->addresses()[0].to(storage);
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
    return fd;
  }
  /// False where it was reset.
  static bool echoes(const Descriptor& fd) {
    char byte = 'x';
    ::send(fd.get(), &byte, 1, MSG_NOSIGNAL);
    return ::recv(fd.get(), &byte, 1, 0) == 1;
  }
  /// So many of `count` new connections are carried; they stay open.
  std::size_t open(std::size_t count) {
    std::vector<Descriptor> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(connect());
    std::size_t carried = 0;
    for (Descriptor& fd : made) {
      if (!echoes(fd)) continue;
      ++carried;
      open_.push_back(std::move(fd));
    }
    return carried;
  }
  std::uint64_t sum(Counter Counters::*member) const {
    std::uint64_t total = 0;
    for (const Counters* counters : server_->counters()) total += (counters->*member).get();
    return total;
  }
  bool becomesActive(std::uint64_t count) const {
    const Monotonic end = clock_.now() + seconds(5);
    while (server_->active() != count && clock_.now() < end) std::this_thread::yield();
    return server_->active() == count;
  }

  const test::EchoServer upstream_;
  SystemClock clock_;
  Log log_{LogLevel::Error};
  filters::ServiceLedger ledger_;
  std::unique_ptr<Server> server_;
  std::vector<Descriptor> open_;
};

TEST_F(AdmissionTest, ACapIsOfTheProxyAndNotOfEachWorker) {
  install("rate_limit", "enforce", R"({"connections":{"total":10}})");
  EXPECT_EQ(open(40), 10U);
  EXPECT_EQ(sum(&Counters::denied), 30U);
  open_.resize(7);
  ASSERT_TRUE(becomesActive(7));
  EXPECT_EQ(open(10), 3U);
}

TEST_F(AdmissionTest, WhatWasOpenBeforeTheCapCounts) {
  ASSERT_EQ(open(6), 6U);
  install("rate_limit", "enforce", R"({"connections":{"total":8}})");
  EXPECT_EQ(open(5), 2U);
  install("rate_limit", "enforce", R"({"connections":{"total":9}})");
  EXPECT_EQ(open(5), 1U) << "each counts once, however often the snapshot changes";
  install("rate_limit", "simulate", R"({"connections":{"total":1}})");
  EXPECT_EQ(open(5), 5U);
}

TEST_F(AdmissionTest, APolicyThatSaysCloseWithinResetsWhomItNoLongerAdmits) {
  ASSERT_EQ(open(4), 4U);
  install("policy", "enforce", R"({"default":"deny"})");
  for (const Descriptor& fd : open_) EXPECT_TRUE(echoes(fd)) << "a change holds from the next connection on";
  EXPECT_EQ(open(1), 0U);
  install("policy", "enforce", R"({"default":"deny","close_within":"0s"})");
  ASSERT_TRUE(becomesActive(0));
  for (const Descriptor& fd : open_) {
    char byte = 0;
    EXPECT_EQ(::recv(fd.get(), &byte, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
  }
  EXPECT_EQ(sum(&Counters::closed), 4U);
  EXPECT_EQ(sum(&Counters::resetByDownstream), 0U) << "each is counted once, with its reason";
}

}  // namespace
}  // namespace loam::server
