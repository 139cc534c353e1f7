#include "rollout/api/times.h"

#include <gtest/gtest.h>

namespace loam::api {
namespace {

constexpr std::int64_t kNow = 1'763'845'510;

TEST(TimesTest, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parseTime("now", kNow), kNow);
  EXPECT_EQ(parseTime("-15m", kNow), kNow - 900);
  EXPECT_EQ(parseTime("now-2h", kNow), kNow - 7200);
  EXPECT_EQ(parseTime("-7d", kNow), kNow - 7 * 86'400);
  EXPECT_EQ(parseTime("1763845510", 0), kNow);
  EXPECT_EQ(parseTime("2025-11-22T21:05:10Z", 0), kNow);
  EXPECT_EQ(parseTime("2025-11-22T23:05:10.123+02:00", 0), kNow);
  EXPECT_EQ(parseTime("2024-02-29T00:00:00Z", 0), 1'709'164'800);
}

TEST(TimesTest, RefusesTheRest) {
  for (const char* text : {"", "yesterday", "-", "-m", "15m", "--5m", "-5x", "now-", "2025-02-30T00:00:00Z",
                           "2025-11-22", "2025-11-22T25:00:00Z", "2025-11-22T21:05:10", "2025-11-22T21:05:10.Z",
                           "99999999999999999999", "-99999999999999s"}) {
    EXPECT_FALSE(parseTime(text, kNow)) << text;
  }
}

}  // namespace
}  // namespace loam::api
