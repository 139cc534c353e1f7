#include "proxy/filters/serve.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(ServeSettingsTest, HaveTheLimitsOfTheDesignByDefault) {
  const auto settings = good<ServeSettings>("{}");
  EXPECT_EQ(settings.maxHead, 64u * 1024);
  EXPECT_EQ(settings.maxFields, 256u);
  EXPECT_EQ(settings.maxStreams, 100u);
  EXPECT_EQ(settings.headTimeout, seconds(10));
  EXPECT_EQ(settings.onMismatch, ServeSettings::Mismatch::Relay);
  EXPECT_TRUE(settings.tolerate.empty());
  expectWritesWhatItReads<ServeSettings>("{}");
}

TEST(ServeSettingsTest, TolerateWhatIsNamed) {
  const auto settings = good<ServeSettings>(R"({"tolerate": ["folded_fields", "bare_lf"], "on_mismatch": "refuse"})");
  EXPECT_EQ(settings.tolerate, (std::vector{ServeSettings::Tolerance::BareLf, ServeSettings::Tolerance::FoldedFields}));
  EXPECT_EQ(settings.onMismatch, ServeSettings::Mismatch::Refuse);
}

TEST(ServeSettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<ServeSettings>({
      {R"({"max_head": "1KiB", "max_fields": 15, "max_streams": 0})",
       {{"/max_head", "from 4KiB to 1MiB"}, {"/max_fields", "from 16 to 4096"}, {"/max_streams", "from 1 to 1000"}}},
      {R"({"head_timeout": "0s", "keep_alive": "25h", "stall_timeout": 60})",
       {{"/head_timeout", "from 100ms to 5m"}, {"/keep_alive", "from 1s to 1d"}, {"/stall_timeout", "found 60"}}},
      {R"({"head_timeout": "2m"})", {{"/head_timeout", "never comes"}}},
      {R"({"stall_timeout": "5s"})", {{"/stall_timeout", "never comes"}}},
      {R"({"tolerate": ["everything"], "on_mismatch": "close"})",
       {{"/on_mismatch", "one of relay, refuse"}, {"/tolerate/0", "one of bare_lf, folded_fields, repeated_length"}}},
  });
}

}  // namespace
}  // namespace loam::filters
