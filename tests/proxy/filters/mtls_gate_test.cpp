#include "proxy/filters/mtls_gate.h"

#include <gtest/gtest.h>

namespace loam::filters {
namespace {

using relay::Vantage;

TEST(UnitShareTest, IsTheAnchorsBucketsAndWhatItNames) {
  // rollout.md 3.4: svc:checkout/mtls|src:web is 23132, src:cart 49141.
  const auto has = [](std::int32_t share, std::string_view unit) {
    return UnitShare(share, "svc:checkout/mtls", {}, {}).has(unit);
  };
  EXPECT_FALSE(has(23'132, "src:web"));
  EXPECT_TRUE(has(23'133, "src:web"));
  EXPECT_FALSE(has(49'141, "src:cart"));
  EXPECT_TRUE(has(49'142, "src:cart"));
  const UnitShare named(0, "s", {"cart", "web"}, {"web"});
  EXPECT_TRUE(named.has("cart"));
  EXPECT_FALSE(named.has("web")) << "exclude wins";
  EXPECT_FALSE(named.has("other"));
  EXPECT_TRUE(UnitShare(UnitShare::kWhole, "s", {}, {}).has("anybody"));
  EXPECT_FALSE(UnitShare(UnitShare::kWhole, "s", {}, {"web"}).has("web"));
}

TEST(MtlsGateTest, WhoIsNotInTheShareIsOneStageBelow) {
  const UnitShare web(0, "s", {"web"}, {});
  EXPECT_EQ(MtlsGate(MtlsStage::Strict, web, {}).stageOf("web", 80), MtlsStage::Strict);
  EXPECT_EQ(MtlsGate(MtlsStage::Strict, web, {}).stageOf("cart", 80), MtlsStage::Prefer);
  EXPECT_EQ(MtlsGate(MtlsStage::Prefer, web, {}).stageOf("cart", 80), MtlsStage::Permissive);
  EXPECT_EQ(MtlsGate(MtlsStage::Permissive, web, {}).stageOf("cart", 80), MtlsStage::Permissive)
      << "its share is of instances";
  EXPECT_EQ(MtlsGate().stageOf("web", 80), MtlsStage::Off);
}

TEST(MtlsGateTest, InstancesAcceptByShareAndAboveAll) {
  const UnitShare one(0, "s", {"10.0.0.1:80"}, {});
  EXPECT_TRUE(MtlsGate(MtlsStage::Permissive, one, {}).accepts("10.0.0.1:80", 80));
  EXPECT_FALSE(MtlsGate(MtlsStage::Permissive, one, {}).accepts("10.0.0.2:80", 80));
  EXPECT_TRUE(MtlsGate(MtlsStage::Prefer, one, {}).accepts("10.0.0.2:80", 80));
  EXPECT_FALSE(MtlsGate(MtlsStage::Observe, {}, {}).accepts("10.0.0.1:80", 80));
}

TEST(MtlsGateTest, PortsThatTheSettingsLeaveOutAreOff) {
  MtlsSettings settings;
  settings.ports = {5432};
  const MtlsGate gate(MtlsStage::Strict, {}, settings);
  EXPECT_EQ(gate.stage(5432), MtlsStage::Strict);
  EXPECT_EQ(gate.stageOf("web", 80), MtlsStage::Off);
  EXPECT_FALSE(gate.accepts("10.0.0.1:80", 80));
}

class Noted final : public filter::VerdictSink {
 public:
  void onDenied(const filter::ConnectionView&, const filter::Verdict& verdict) override {
    said += std::string(verdict.feature) + "/" + std::string(verdict.rule) + (verdict.enforced ? "!" : "?") + " ";
  }
  std::string said;
};

TEST(MtlsFilterTest, D2_RefusesPlaintextOfThoseForWhomItIsStrictAndOfNobodyElse) {
  const MtlsFilter filter(MtlsGate(MtlsStage::Strict, UnitShare(0, "s", {"web"}, {}), {}));
  const auto admits = [&](filter::ConnectionView view) {
    Noted noted;
    const auto denial = filter.admit(view, noted);
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

}  // namespace
}  // namespace loam::filters
