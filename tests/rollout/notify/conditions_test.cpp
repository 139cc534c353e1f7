#include "rollout/notify/conditions.h"

#include <gtest/gtest.h>

namespace loam::notify {
namespace {

constexpr std::int64_t kNow = 1'764'201'600'000;
constexpr std::int64_t kDay = 86'400'000;

class ConditionsTest : public testing::Test {
 protected:
  static Reading silent(const std::string& proxy, bool holds) {
    Reading reading{Event::ProxySilent, proxy, holds};
    if (holds) reading.summary = proxy + " is silent";
    return reading;
  }
  std::vector<std::string> namesOf(const std::vector<Notice>& notices) const {
    std::vector<std::string> names;
    for (const Notice& notice : notices) names.push_back(std::string(notice.name()) + " " + notice.subject);
    return names;
  }
  int ids = 0;
  Conditions conditions{[this] { return "id-" + std::to_string(++ids); }};
};

using Names = std::vector<std::string>;

TEST_F(ConditionsTest, EachIsToldOnceWhenItBeginsAndOnceWhenItIsOver) {
  EXPECT_EQ(namesOf(conditions.take({silent("a", false), silent("b", false)}, kNow)), Names{});
  const auto begun = conditions.take({silent("a", true), silent("b", false)}, kNow);
  ASSERT_EQ(namesOf(begun), Names{"proxy.silent a"});
  EXPECT_EQ(begun[0].id, "id-1");
  EXPECT_EQ(begun[0].at, kNow);
  EXPECT_EQ(begun[0].summary, "a is silent");
  for (int look = 1; look < 100; ++look) {
    EXPECT_EQ(namesOf(conditions.take({silent("a", true), silent("b", false)}, kNow + look)), Names{});
  }
  const auto over = conditions.take({silent("a", false), silent("b", true)}, kNow + 1000);
  EXPECT_EQ(namesOf(over), (Names{"proxy.back a", "proxy.silent b"}));
  EXPECT_EQ(over[0].summary, "Proxy a is back.");
  EXPECT_EQ(over[0].detail, "It began at 2025-11-27T00:00:00Z.");
  EXPECT_EQ(over[0].severity(), Severity::Info);
  EXPECT_EQ(namesOf(conditions.take({silent("a", true)}, kNow + 2000)), Names{"proxy.silent a"}) << "a new one";
}

TEST_F(ConditionsTest, WhatIsNotLookedAtStaysAsItWasTold) {
  conditions.take({silent("a", true)}, kNow);
  EXPECT_EQ(namesOf(conditions.take({silent("b", false)}, kNow + kDay)), Names{});
  EXPECT_EQ(conditions.told(), 1u);
  EXPECT_EQ(namesOf(conditions.take({silent("a", false)}, kNow + 2 * kDay)), Names{"proxy.back a"});
}

TEST_F(ConditionsTest, WhatNobodyLooksAtForLongIsForgotten) {
  conditions.take({silent("a", true)}, kNow);
  conditions.take({silent("a", true)}, kNow + 5 * kDay);
  conditions.take({}, kNow + 12 * kDay);
  EXPECT_EQ(conditions.told(), 1u) << "it was looked at on the fifth";
  EXPECT_EQ(namesOf(conditions.take({}, kNow + 14 * kDay)), Names{}) << "and nobody is told that it is over";
  EXPECT_EQ(conditions.told(), 0u);
}

TEST_F(ConditionsTest, ARestartTellsNothingAgainAndStillSaysWhenItIsOver) {
  conditions.take({silent("a", true), silent("b", true)}, kNow);
  Conditions next([this] { return "id-" + std::to_string(++ids); });
  ASSERT_TRUE(next.load(conditions.toJson(), kNow + 5000));
  EXPECT_EQ(next.told(), 2u);
  EXPECT_EQ(namesOf(next.take({silent("a", true)}, kNow + 6000)), Names{});
  EXPECT_EQ(namesOf(next.take({silent("a", false)}, kNow + 7000)), Names{"proxy.back a"});
  EXPECT_EQ(next.toJson()[0]["since"].asInt64(), kNow);
}

TEST_F(ConditionsTest, WhatCannotBeReadIsSaid) {
  Json::Value told(Json::arrayValue);
  told[0]["event"] = "proxy.silent";
  EXPECT_FALSE(conditions.load(told, kNow));
  told[0]["subject"] = "a";
  EXPECT_FALSE(conditions.load(told, kNow));
  told[0]["since"] = Json::Int64(kNow);
  EXPECT_TRUE(conditions.load(told, kNow));
  told[0]["event"] = "of.a.newer.program";
  EXPECT_TRUE(conditions.load(told, kNow));
  EXPECT_EQ(conditions.told(), 1u);
}

}  // namespace
}  // namespace loam::notify
