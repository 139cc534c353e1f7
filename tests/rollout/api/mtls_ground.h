#pragma once

#include <string>
#include <thread>

#include "proxy/wire/snapshot.h"
#include "proxy/wire/watch.h"
#include "tests/rollout/api/api_fixture.h"

namespace loam {

/// A controller (by itself, or with a client in front: `Fixture`) whose record knows "checkout.shop" at 10.0.0.2:80,
/// called by "frontend" from 10.0.0.1 and seen by the proxy "db-1" beside it, which the test plays.
template <class Fixture>
class MtlsGround : public Fixture {
 protected:
  /// So many connections came in this way ("" and "unprobed" are plaintext).
  void came(std::uint64_t sequence, const std::string& security) {
    wire::Report told = this->report(sequence, "db-1");
    told.edges[0].vantage = "inbound";
    told.edges[0].security = security;
    if (security == "mutual") told.edges[0].identity = "spiffe://loam/proxy/web-1";
    ASSERT_EQ(this->post("/v1/reports", wire::encode(told)).status, 200);
  }
  /// Of frontend's exchanges so many would have been refused just now.
  void refuse(std::uint64_t sequence, const std::string& feature, const std::string& rule, std::uint64_t count) {
    wire::Report told = this->report(sequence, "db-1");
    told.edges.clear();
    const std::int64_t now = unixSeconds(this->clock.wall());
    told.verdicts.push_back({.client = *IpAddress::parse("10.0.0.1"),
                             .destination = *SocketAddress::parse("10.0.0.2:80"),
                             .identity = {},
                             .feature = feature,
                             .rule = rule,
                             .enforced = false,
                             .start = now - now % 10,
                             .count = count});
    ASSERT_EQ(this->post("/v1/reports", wire::encode(told)).status, 200);
  }
  /// The topology is read at the start, and then only now and then.
  void learn() {
    this->stop();
    this->start();
    const auto known = [this] { return this->propose("observe").status != 404; };
    for (int i = 0; i < 500 && !known(); ++i) std::this_thread::sleep_for(milliseconds(10));
    ASSERT_TRUE(known());
  }
  /// The proxy runs what it is to run.
  void acknowledge() {
    wire::Watch watch;
    watch.proxy = "db-1";
    watch.version = "0.1.0";
    watch.capabilities = {"mtls.observe", "mtls.permissive", "mtls.prefer", "mtls.strict", "observe.on"};
    this->post("/v1/watch", wire::encode(watch));
    const auto snapshot = wire::decodeSnapshot(this->get("/v1/fleet/db-1/snapshot").body);
    ASSERT_TRUE(snapshot) << snapshot.error().describe();
    watch.epoch = snapshot->epoch;
    watch.acknowledged = watch.inEffect = snapshot->generation;
    ASSERT_EQ(this->post("/v1/watch", wire::encode(watch)).status, 204);
  }

  http::Response propose(const std::string& stage, const std::string& query = "?dry_run=true") {
    return this->post(
        "/v1/changes" + query,
        R"({"reason":"x","edits":[{"service":"checkout.shop","feature":"mtls","stage":")" + stage + "\"}]}");
  }
  /// Proposes and applies; `more`: members of the application beside its hash.
  http::Response set(const std::string& stage, const std::string& more = R"("reason":"a test")") {
    return apply(propose(stage, ""), more);
  }
  /// Sets another flag of the service; the status of that.
  int setFeature(const std::string& feature, const std::string& stage) {
    const auto made = this->post("/v1/changes", R"({"reason":"x","edits":[{"service":"checkout.shop","feature":")" +
                                                    feature + R"(","stage":")" + stage + "\"}]}");
    return apply(made, R"("reason":"a test")").status;
  }
  /// At prefer for all, acknowledged.
  void prefer() {
    for (const char* stage : {"observe", "permissive", "prefer"}) {
      const auto set = this->set(stage);
      ASSERT_EQ(set.status, 200) << set.body;
      acknowledge();
    }
  }

 private:
  http::Response apply(const http::Response& made, const std::string& more) {
    EXPECT_EQ(made.status, 201) << made.body;
    const Json::Value change = parseJson(made.body).value_or(Json::Value());
    return this->post("/v1/changes/" + change["id"].asString() + "/apply",
                      R"({"hash":")" + change["hash"].asString() + "\"," + more + "}");
  }
};

}  // namespace loam
