#include "proxy/filters/observe.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(ObserveSettingsTest, HaveTheObserversOwnBoundByDefault) {
  EXPECT_EQ(good<ObserveSettings>("{}").routes, 100u);
  EXPECT_EQ(good<ObserveSettings>(R"({"routes": 0})").routes, 0u);
  expectWritesWhatItReads<ObserveSettings>("{}");
}

TEST(ObserveSettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<ObserveSettings>({
      {R"({"routes": 101})", {{"/routes", "from 0 to 100"}}},
      {R"({"route": 5})", {{"/route", "did you mean routes?"}}},
      {R"([])", {{"", "expected an object of routes, found a list"}}},
  });
}

}  // namespace
}  // namespace loam::filters
