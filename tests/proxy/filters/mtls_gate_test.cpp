#include "proxy/filters/mtls_gate.h"

#include <gtest/gtest.h>

namespace loam::filters {
namespace {

using relay::Vantage;

TEST(MtlsGateTest, WhoIsNotInTheShareIsOneStageBelow) {
  const SourceShare web{.share = 0, .salt = "s", .include = {"web"}, .exclude = {}};
  const IpAddress ip = *IpAddress::parse("10.0.0.9");
  EXPECT_EQ(MtlsGate(MtlsStage::Strict, web, {}).stageOf("web", ip, 80), MtlsStage::Strict);
  EXPECT_EQ(MtlsGate(MtlsStage::Strict, web, {}).stageOf("cart", ip, 80), MtlsStage::Prefer);
  EXPECT_EQ(MtlsGate(MtlsStage::Prefer, web, {}).stageOf("cart", ip, 80), MtlsStage::Permissive);
  EXPECT_EQ(MtlsGate(MtlsStage::Permissive, web, {}).stageOf("cart", ip, 80), MtlsStage::Permissive)
      << "its share is of instances";
  EXPECT_EQ(MtlsGate().stageOf("web", ip, 80), MtlsStage::Off);
}

TEST(MtlsGateTest, InstancesAcceptByShareAndAboveAll) {
  const SourceShare one{.share = 0, .salt = "s", .include = {"10.0.0.1:80"}, .exclude = {}};
  EXPECT_TRUE(MtlsGate(MtlsStage::Permissive, one, {}).accepts(*SocketAddress::parse("10.0.0.1:80")));
  EXPECT_FALSE(MtlsGate(MtlsStage::Permissive, one, {}).accepts(*SocketAddress::parse("10.0.0.2:80")));
  EXPECT_TRUE(MtlsGate(MtlsStage::Prefer, one, {}).accepts(*SocketAddress::parse("10.0.0.2:80")));
  EXPECT_FALSE(MtlsGate(MtlsStage::Observe, {}, {}).accepts(*SocketAddress::parse("10.0.0.1:80")));
}

TEST(MtlsGateTest, PortsThatTheSettingsLeaveOutAreOff) {
  MtlsSettings settings;
  settings.ports = {5432};
  const MtlsGate gate(MtlsStage::Strict, {}, settings);
  EXPECT_EQ(gate.stage(5432), MtlsStage::Strict);
  EXPECT_EQ(gate.stageOf("web", IpAddress(), 80), MtlsStage::Off);
  EXPECT_FALSE(gate.accepts(*SocketAddress::parse("10.0.0.1:80")));
}

class Noted final : public filter::VerdictSink {
 public:
  void onDenied(const filter::ConnectionView&, const filter::Verdict& verdict) override {
    said += std::string(verdict.feature) + "/" + std::string(verdict.rule) + (verdict.enforced ? "!" : "?") + " ";
  }
  std::string said;
};

TEST(MtlsFilterTest, D2_RefusesPlaintextOfThoseForWhomItIsStrictAndOfNobodyElse) {
  const MtlsFilter filter(
      MtlsGate(MtlsStage::Strict, SourceShare{.share = 0, .salt = "s", .include = {"web"}, .exclude = {}}, {}));
  const auto admits = [&](filter::ConnectionView view) {
    Noted noted;
    filter::Holds holds;
    const auto denial = filter.admit(view, noted, holds);
    EXPECT_EQ(noted.said, denial ? "mtls/plaintext! " : "");
    return !denial;
  };
  filter::ConnectionView web;
  web.vantage = Vantage::Inbound;
  web.caller = "web";
  EXPECT_FALSE(admits(web));
  filter::ConnectionView secured = web;
  secured.identity = "spiffe://loam/proxy/node-a";
  EXPECT_TRUE(admits(secured));
  filter::ConnectionView cart = web;
  cart.caller = "cart";
  EXPECT_TRUE(admits(cart)) << "prefer, for whom the share leaves out";
  filter::ConnectionView local = web;
  local.isLocal = true;
  EXPECT_TRUE(admits(local));
  filter::ConnectionView outbound = web;
  outbound.vantage = Vantage::Outbound;
  EXPECT_TRUE(admits(outbound)) << "the callee's side says no";
}

TEST(MtlsFilterTest, D7_WhatHappensAtExpiryIsTheOperatorsChoice) {
  filter::ConnectionView web;
  web.vantage = Vantage::Inbound;
  web.caller = "web";
  for (const auto choice : {MtlsSettings::AtExpiry::Closed, MtlsSettings::AtExpiry::Plaintext}) {
    MtlsSettings settings;
    settings.atExpiry = choice;
    const MtlsFilter filter(MtlsGate(MtlsStage::Strict, {}, settings));
    Noted noted;
    web.hasExpired = false;
    filter::Holds holds;
    EXPECT_TRUE(filter.admit(web, noted, holds));
    web.hasExpired = true;
    EXPECT_EQ(filter.admit(web, noted, holds).has_value(), choice == MtlsSettings::AtExpiry::Closed);
  }
}

}  // namespace
}  // namespace loam::filters
