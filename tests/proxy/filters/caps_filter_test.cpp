#include "proxy/filters/caps_filter.h"

#include "settings_table.h"
#include "tests/support/fake_clock.h"

namespace loam::filters {
namespace {

class Told final : public filter::VerdictSink {
 public:
  void onDenied(const filter::ConnectionView&, const filter::Verdict& verdict) override {
    all += std::string(verdict.feature) + "/" + std::string(verdict.rule) +
           (verdict.enforced ? " denied; " : " would be; ");
  }
  std::string all;
};

class CapsFilterTest : public testing::Test {
 protected:
  std::unique_ptr<const CapsFilter> filterOf(const std::string& settings, std::string_view stage = "enforce",
                                             SourceShare share = {}) {
    auto made = CapsFilter::make(stage, std::move(share), *parseJson(R"({"connections":)" + settings + "}"),
                                 ledger_.of("billing"));
    EXPECT_TRUE(made) << made.error().context;
    return *std::move(made);
  }
  /// "admitted" or the cap, then what the sink was told; what is admitted stays open.
  std::string ask(const CapsFilter& filter, const char* client = "10.0.0.7", std::string_view caller = "web") {
    Told told;
    const auto denial = filter.admit(viewOf(client, caller), told, open_);
    return (denial ? denial->rule : "admitted") + "; " + told.all;
  }
  filter::ConnectionView viewOf(const char* client, std::string_view caller = "web") const {
    return {.client = {*IpAddress::parse(client), 40'000},
            .destination = *SocketAddress::parse("10.0.0.2:5432"),
            .vantage = relay::Vantage::Inbound,
            .caller = caller,
            .at = clock_.now()};
  }

  ServiceLedger ledger_;
  test::FakeClock clock_;
  filter::Holds open_;
};

constexpr const char* kAdmitted = "admitted; ";

TEST_F(CapsFilterTest, SoManyAreOpenAtOnceAndNoMore) {
  const auto filter = filterOf(R"({"total": 3, "per_source": 2})");
  EXPECT_EQ(ask(*filter), kAdmitted);
  EXPECT_EQ(ask(*filter), kAdmitted);
  EXPECT_EQ(ask(*filter), "per_source; rate_limit/per_source denied; ");
  EXPECT_EQ(ask(*filter, "10.0.0.8"), kAdmitted);
  EXPECT_EQ(ask(*filter, "10.0.0.9"), "total; rate_limit/total denied; ");
  open_.erase(open_.begin());
  EXPECT_EQ(ask(*filter), kAdmitted) << "what was denied took no place, and one ended";
}

TEST_F(CapsFilterTest, NewOnesComeInABurstAndThenAtTheirPace) {
  const auto filter = filterOf(R"({"opens": "120/m", "burst": 2})");
  EXPECT_EQ(ask(*filter), kAdmitted);
  EXPECT_EQ(ask(*filter), kAdmitted);
  EXPECT_EQ(ask(*filter), "opens; rate_limit/opens denied; ");
  EXPECT_EQ(ask(*filter, "10.0.0.8"), kAdmitted) << "each address has a pace of its own";
  clock_.advance(milliseconds(500));
  EXPECT_EQ(ask(*filter), kAdmitted);
  const auto without = filterOf(R"({"opens": "5/s"})");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(*without, "10.0.0.9"), kAdmitted) << "a burst is the count of the rate";
  EXPECT_EQ(ask(*without, "10.0.0.9"), "opens; rate_limit/opens denied; ");
}

TEST_F(CapsFilterTest, WhatIsSimulatedIsWhatEnforcingDenies) {
  for (const bool enforce : {false, true}) {
    open_.clear();
    const auto filter = filterOf(R"({"total": 2})", enforce ? "enforce" : "simulate");
    std::string all;
    for (int i = 0; i < 4; ++i) all += ask(*filter);
    EXPECT_EQ(all,
              enforce
                  ? "admitted; admitted; total; rate_limit/total denied; total; rate_limit/total denied; "
                  : "admitted; admitted; admitted; rate_limit/total would be; admitted; rate_limit/total would be; ");
    EXPECT_EQ(ledger_.of("billing")->open, 2U) << "what is denied only by forecast is not counted as open";
  }
}

TEST_F(CapsFilterTest, WhomTheShareLacksIsOnlyCounted) {
  const auto filter =
      filterOf(R"({"total": 1})", "enforce", {.share = 0, .salt = "s", .include = {"cron"}, .exclude = {}});
  EXPECT_EQ(ask(*filter), kAdmitted);
  EXPECT_EQ(ask(*filter), "admitted; rate_limit/total would be; ");
  EXPECT_EQ(ask(*filter, "10.0.0.7", "cron"), "total; rate_limit/total denied; ");
}

TEST_F(CapsFilterTest, CountsOutliveTheSnapshotAndEndWithTheLastConnection) {
  ASSERT_EQ(ask(*filterOf(R"({"total": 2})")), kAdmitted);
  const auto next = filterOf(R"({"total": 1})");
  EXPECT_EQ(ask(*next), "total; rate_limit/total denied; ");
  filter::Holds before;
  next->adopt(viewOf("10.0.0.7"), before);
  next->adopt(viewOf("10.0.0.7"), before);  // of one connection
  EXPECT_EQ(ledger_.of("billing")->open, 2U) << "what is open is open, whatever the cap";
  EXPECT_EQ(ledger_.of("billing")->sources.open(*IpAddress::parse("10.0.0.7")), 2U);
  open_.clear();
  EXPECT_EQ(ask(*next), "total; rate_limit/total denied; ");
  before.clear();
  EXPECT_EQ(ask(*next), kAdmitted);
  EXPECT_EQ(ledger_.of("others")->open, 0U);
}

TEST_F(CapsFilterTest, SourcesThatFindNoPlaceAreCountedAndBoundedByTheTotal) {
  const auto filter = filterOf(R"({"per_source": 1, "total": 60000})");
  for (std::uint32_t i = 0; i < 60'000; ++i) {
    const std::string client = "10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    ASSERT_EQ(ask(*filter, client.c_str()), kAdmitted);
  }
  EXPECT_EQ(ledger_.others(), 60'000 - SourceTable::kSets * SourceTable::kWays);
  EXPECT_EQ(ask(*filter, "10.2.0.1"), "total; rate_limit/total denied; ");
}

TEST_F(CapsFilterTest, WithoutCapsThereIsNoFilter) {
  const auto made =
      CapsFilter::make("enforce", {}, *parseJson(R"({"limits":[{"name":"a","rate":"1/s"}]})"), ledger_.of("billing"));
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, nullptr);
  EXPECT_FALSE(CapsFilter::make("enforce", {}, *parseJson(R"({"connections":{"total":0}})"), ledger_.of("billing")));
}

}  // namespace
}  // namespace loam::filters
