#include "proxy/server/carrying.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"
#include "tests/proxy/server/proxy_on_a_loop.h"

namespace loam::server {
namespace {

/// The tap that a connection to a service is given whose `serve` stands at some stage.
class CarryingTest : public testing::Test {
 protected:
  /// What is counted of a client that ends its lines as none should.
  std::string countedAt(const std::string& stage, relay::Vantage vantage, std::vector<std::string> proxies = {}) {
    wire::FeatureConfig serve;
    serve.feature = "serve";
    serve.stage = stage;
    wire::ServiceConfig service;
    service.name = "shop";
    service.endpoints = {*SocketAddress::parse("10.0.0.2:80")};
    service.features = {serve};
    service.proxies = std::move(proxies);
    wire::Snapshot snapshot;
    snapshot.services = {service};
    auto table = ServiceTable::make(snapshot);
    EXPECT_TRUE(table) << table.error().describe();
    ProxyOnALoop proxy(clock, nullptr, std::make_shared<const ServiceTable>(*std::move(table)));
    const relay::ConnectionFacts facts{*SocketAddress::parse("10.0.0.7:40000"), service.endpoints[0], vantage, 1};
    const auto tap = openTap(proxy.context, facts, serviceFor(proxy.context, facts.destination), {});
    constexpr std::string_view kLenient = "GET / HTTP/1.1\nHost: a\n\n";
    for (int i = 0; i < 2; ++i) {
      tap->onBytes(relay::Direction::Upstream,
                   {reinterpret_cast<const std::uint8_t*>(kLenient.data()), kLenient.size()}, clock.now());
    }
    tap->onClosed(relay::CloseReason::Finished, clock.now());
    EXPECT_EQ(proxy.taps.all.at(0)->closed, relay::CloseReason::Finished) << "the tap beside it is told all the same";
    EXPECT_EQ(proxy.verdicts.enforced, 0u);
    std::string counted;
    for (const std::string& one : proxy.verdicts.all) counted += one + ";";
    return counted;
  }

  test::FakeClock clock;
};

TEST_F(CarryingTest, WhatServingWouldRefuseIsCountedOnceAConnectionByOneProxy) {
  EXPECT_EQ(countedAt("simulate", relay::Vantage::Inbound), "10.0.0.2:80 serve bare_lf;");
  EXPECT_EQ(countedAt("simulate", relay::Vantage::Inbound, {"web-1"}), "10.0.0.2:80 serve bare_lf;");
  EXPECT_EQ(countedAt("simulate", relay::Vantage::Outbound), "10.0.0.2:80 serve bare_lf;");
  EXPECT_EQ(countedAt("simulate", relay::Vantage::Outbound, {"web-1"}), "") << "which counts it";
  EXPECT_EQ(countedAt("off", relay::Vantage::Inbound), "");
  EXPECT_EQ(countedAt("on", relay::Vantage::Inbound), "") << "it is served";
}

}  // namespace
}  // namespace loam::server
