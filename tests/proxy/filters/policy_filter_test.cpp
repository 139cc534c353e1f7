#include "proxy/filters/policy_filter.h"

#include "settings_table.h"

namespace loam::filters {
namespace {

class Told final : public filter::VerdictSink {
 public:
  void onDenied(const filter::ConnectionView& view, const filter::Verdict& verdict) override {
    all += view.client.ip.text() + " " + std::string(verdict.feature) + "/" + std::string(verdict.rule) +
           (verdict.enforced ? " denied; " : " would be; ");
  }
  std::string all;
};

constexpr std::string_view kOnlyWeb =
    R"({"default": "deny", "rules": [{"name": "web", "action": "allow", "match": {"sources": ["web"]}}]})";

/// "admitted" or the denial, then what the sink was told.
std::string ask(const PolicyFilter& filter, std::string_view caller, std::string_view client = "10.0.0.7",
                relay::Vantage vantage = relay::Vantage::Inbound) {
  Told told;
  const filter::ConnectionView view{.client = {*IpAddress::parse(client), 40'000},
                                    .destination = *SocketAddress::parse("10.0.0.2:5432"),
                                    .vantage = vantage,
                                    .caller = caller,
                                    .identity = {}};
  filter::Holds holds;
  const auto denial = filter.admit(view, told, holds);
  return (denial ? denial->feature + "/" + denial->rule : "admitted") + "; " + told.all;
}

PolicyFilter filterOf(PolicyFilter::Stage stage, SourceShare share = {}) {
  return {good<PolicySettings>(kOnlyWeb), stage, std::move(share)};
}

TEST(PolicyFilterTest, SimulateTellsAndAdmits) {
  const PolicyFilter filter = filterOf(PolicyFilter::Stage::Simulate);
  EXPECT_EQ(ask(filter, "web"), "admitted; ");
  EXPECT_EQ(ask(filter, "cron"), "admitted; 10.0.0.7 policy/default would be; ");
}

TEST(PolicyFilterTest, EnforceDeniesAndTells) {
  const PolicyFilter filter = filterOf(PolicyFilter::Stage::Enforce);
  EXPECT_EQ(ask(filter, "web"), "admitted; ");
  EXPECT_EQ(ask(filter, "cron"), "policy/default; 10.0.0.7 policy/default denied; ");
  EXPECT_EQ(ask(filter, ""), "policy/default; 10.0.0.7 policy/default denied; ") << "a whole share has everybody";
  EXPECT_EQ(ask(filter, "cron", "10.0.0.7", relay::Vantage::Explicit),
            "policy/default; 10.0.0.7 policy/default denied; ");
}

TEST(PolicyFilterTest, CallersOfTheServicesOwnHostAreDecidedToo) {
  EXPECT_EQ(ask(filterOf(PolicyFilter::Stage::Simulate), "cron", "10.0.0.2", relay::Vantage::Outbound),
            "admitted; 10.0.0.2 policy/default would be; ");
  EXPECT_EQ(ask(filterOf(PolicyFilter::Stage::Enforce), "cron", "10.0.0.2", relay::Vantage::Outbound),
            "policy/default; 10.0.0.2 policy/default denied; ");
}

TEST(PolicyFilterTest, ThoseWhomTheShareLacksAreOnlySimulated) {
  const PolicyFilter filter =
      filterOf(PolicyFilter::Stage::Enforce, {.share = 0, .salt = "s", .include = {"10.0.0.9", "cron"}, .exclude = {}});
  EXPECT_EQ(ask(filter, "cron"), "policy/default; 10.0.0.7 policy/default denied; ");
  EXPECT_EQ(ask(filter, "batch"), "admitted; 10.0.0.7 policy/default would be; ");
  EXPECT_EQ(ask(filter, ""), "admitted; 10.0.0.7 policy/default would be; ");
  EXPECT_EQ(ask(filter, "", "10.0.0.9"), "policy/default; 10.0.0.9 policy/default denied; ");
  const PolicyFilter most =
      filterOf(PolicyFilter::Stage::Enforce, {.share = 100'000, .salt = "s", .include = {"cron"}, .exclude = {"cron"}});
  EXPECT_EQ(ask(most, "cron"), "admitted; 10.0.0.7 policy/default would be; ") << "exclude wins";
  EXPECT_EQ(ask(most, "batch"), "policy/default; 10.0.0.7 policy/default denied; ");
}

TEST(PolicyFilterTest, WhomNobodyKnowsHasNoBucket) {
  const SourceShare nearlyAll{.share = 99'999, .salt = "s", .include = {}, .exclude = {}};
  for (int i = 0; i < 256; ++i) {
    EXPECT_FALSE(nearlyAll.has("", *IpAddress::parse("10.0.0." + std::to_string(i))));
  }
}

}  // namespace
}  // namespace loam::filters
