#include "proxy/filters/timeouts.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(TimeoutsSettingsTest, SetNothingByDefault) {
  const auto settings = good<TimeoutsSettings>("{}", Purpose::Keep);
  EXPECT_FALSE(settings.connect);
  EXPECT_FALSE(settings.timeouts.any());
  EXPECT_TRUE(settings.grpcTimeout);
  expectProblems<TimeoutsSettings>(
      {{"{}", {{"", "nothing would time out"}}}, {R"({"rules": []})", {{"", "nothing would time out"}}}});
}

TEST(TimeoutsSettingsTest, RulesHoldForExchangesOfTheirOwn) {
  constexpr std::string_view kReports = R"({"connect": "1s", "request": "5s",
      "rules": [{"name": "reports", "match": {"paths": ["/reports/**"]}, "request": "5m", "idle": "30s"}]})";
  const auto settings = good<TimeoutsSettings>(kReports);
  EXPECT_EQ(settings.timeouts.request, seconds(5));
  EXPECT_EQ(settings.rules[0].timeouts.request, std::chrono::minutes(5));
  EXPECT_EQ(settings.rules[0].timeouts.idle, seconds(30));
  expectWritesWhatItReads<TimeoutsSettings>(kReports);
}

TEST(TimeoutsSettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<TimeoutsSettings>({
      {R"({"request": "1s", "connect": "2s"})", {{"/connect", "above request"}}},
      {R"({"request": "1s", "response": "2s", "idle": "3s"})",
       {{"/response", "above request"}, {"/idle", "above request"}}},
      {R"({"request": "0s", "connect": "6m", "idle": "1 s"})",
       {{"/connect", "from 1ms to 5m"}, {"/request", "from 1ms to 1d"}, {"/idle", "from 1ms to 1d"}}},
      {R"({"rules": [{"name": "a", "request": "1s", "idle": "2s", "connect": "1s"}]})",
       {{"/rules/0/connect", "unknown member"}, {"/rules/0/idle", "above request"}}},
      {R"({"rules": [{"name": "a", "idle": "2s"}, {"name": "a", "idle": "2s"}]})",
       {{"/rules/1/name", "already"}, {"/rules/0", "never reached"}}},
      {R"({"requst": "1s"})", {{"/requst", "did you mean request?"}, {"", "nothing would time out"}}},
  });
}

}  // namespace
}  // namespace loam::filters
