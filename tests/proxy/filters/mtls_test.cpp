#include "proxy/filters/mtls.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(MtlsSettingsTest, AskForEightDaysWithoutPlaintextByDefault) {
  const auto settings = good<MtlsSettings>("{}");
  EXPECT_EQ(settings.plaintextWindow, std::chrono::days(8));
  EXPECT_EQ(settings.fallback, MtlsSettings::Fallback::Allow);
  EXPECT_EQ(settings.fallbackAfter, 5u);
  EXPECT_EQ(settings.atExpiry, MtlsSettings::AtExpiry::Closed);
  EXPECT_TRUE(settings.ports.empty());
  expectWritesWhatItReads<MtlsSettings>("{}");
}

TEST(MtlsSettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<MtlsSettings>({
      {R"({"fallback": "maybe"})", {{"/fallback", "one of allow, deny"}}},
      {R"({"fallback": "deny", "at_expiry": "plaintext"})", {{"/at_expiry", "goes against"}}},
      {R"({"plaintext_window": "9s", "handshake_timeout": "2m", "fallback_after": 0})",
       {{"/fallback_after", "from 1 to 1000"},
        {"/handshake_timeout", "from 100ms to 1m"},
        {"/plaintext_window", "from 10s to 90d"}}},
      {R"({"ports": [443, 443]})", {{"/ports/1", "443 stands here a second time"}}},
      {R"({"ports": []})", {{"/ports", "at least one"}}},
  });
}

}  // namespace
}  // namespace loam::filters
