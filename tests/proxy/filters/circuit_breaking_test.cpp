#include "proxy/filters/circuit_breaking.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(CircuitBreakingSettingsTest, HaveNoImplicitLimit) {
  const auto settings = good<CircuitBreakingSettings>("{}", Purpose::Keep);
  EXPECT_FALSE(settings.caps);
  EXPECT_FALSE(settings.ejection);
  expectProblems<CircuitBreakingSettings>({{"{}", {{"", "nothing would ever break"}}}});
}

TEST(CircuitBreakingSettingsTest, AnEjectionThatIsAskedForHasDefaults) {
  const auto settings = good<CircuitBreakingSettings>(R"({"ejection": {}})");
  EXPECT_EQ(settings.ejection->consecutive, 5u);
  EXPECT_EQ(settings.ejection->interval, seconds(10));
  EXPECT_EQ(settings.ejection->base, seconds(30));
  EXPECT_EQ(settings.ejection->maxPercent, 10u);
  EXPECT_FALSE(settings.ejection->failurePercent);
  expectWritesWhatItReads<CircuitBreakingSettings>(R"({"ejection": {}, "caps": {"requests": 5}})");
}

TEST(CircuitBreakingSettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<CircuitBreakingSettings>({
      {R"({"caps": {}})", {{"/caps", "nothing is capped"}}},
      {R"({"caps": {"requests": 0, "connections": 1000001}})",
       {{"/caps/connections", "from 1 to 1000000"}, {"/caps/requests", "from 1 to 1000000"}}},
      {R"({"caps": {"requests": 5, "pending": 6}})", {{"/caps/pending", "never comes"}}},
      {R"({"ejection": {"base": "10m"}})", {{"/ejection/base", "above most"}}},
      {R"({"ejection": {"most": "10s"}})", {{"/ejection/most", "above most"}}},
      {R"({"ejection": {"least_exchanges": 10}})", {{"/ejection/least_exchanges", "only with failure_percent"}}},
      {R"({"ejection": {"on": [], "consecutive": 0, "max_percent": 0, "failure_percent": 101}})",
       {{"/ejection/on", "at least one"},
        {"/ejection/consecutive", "from 1 to 1000"},
        {"/ejection/failure_percent", "from 1 to 100"},
        {"/ejection/max_percent", "from 1 to 100"}}},
  });
}

}  // namespace
}  // namespace loam::filters
