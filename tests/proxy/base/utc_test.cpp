#include "proxy/base/utc.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(UtcTest, ReadsAndWritesTheSameText) {
  for (const char* text : {"1970-01-01T00:00:00Z", "2026-12-01T12:34:56Z", "2024-02-29T23:59:59Z",
                           "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"}) {
    ASSERT_TRUE(parseUtc(text)) << text;
    EXPECT_EQ(utcText(*parseUtc(text)), text);
  }
  EXPECT_EQ(parseUtc("1970-01-02T00:00:01Z"), 86'401);
  EXPECT_EQ(parseUtc("1969-12-31T23:59:59Z"), -1);
}

TEST(UtcTest, RefusesEveryOtherForm) {
  for (const char* text :
       {"", "2026-12-01", "2026-12-01T12:00:00", "2026-12-01T12:00:00+01:00", "2026-12-01T12:00:00z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-12-01T24:00:00Z", "2026-12-01T12:60:00Z",
        "2026-12-01T12:00:60Z", "2026-12-01 12:00:00Z", "2026-12-01T12:00:00.5Z", "+026-12-01T12:00:00Z", "tomorrow"}) {
    EXPECT_FALSE(parseUtc(text)) << text;
  }
}

}  // namespace
}  // namespace loam
