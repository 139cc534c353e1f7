#include "proxy/http/date.h"

#include <gtest/gtest.h>

namespace loam::http {
namespace {

TEST(DateTest, WhatIsWrittenIsReadBack) {
  EXPECT_EQ(dateText(Wall(seconds(1'792'567'680))), "Wed, 21 Oct 2026 07:28:00 GMT");
  for (const std::int64_t at : {std::int64_t{0}, std::int64_t{951'782'399}, std::int64_t{1'792'567'680}}) {
    EXPECT_EQ(parseDate(dateText(Wall(seconds(at)))), at);
  }
}

TEST(DateTest, OtherFormsAreNoDates) {
  for (const char* text : {"", "now", "Wed, 21 Oct 2026 07:28:00", "Wed, 21 Oct 2026 07:28:00 GMT x", "1792567680",
                           "2026-10-21T07:28:00Z", "Wed, 41 Oct 2026 07:28:00 GMT"}) {
    EXPECT_EQ(parseDate(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace loam::http
