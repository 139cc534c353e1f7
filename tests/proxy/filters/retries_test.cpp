#include "proxy/filters/retries.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(RetriesSettingsTest, RepeatOnceWithinATenthOfTheLoadAndOnlyWhatIsSafe) {
  const auto settings = good<RetriesSettings>("{}");
  EXPECT_EQ(settings.attempts, 1u);
  EXPECT_EQ(settings.budget.ratio, 0.1);
  EXPECT_EQ(settings.budget.minPerSecond, 1u);
  EXPECT_EQ(settings.methods, (std::vector<std::string>{"GET", "HEAD", "OPTIONS"}));
  using On = RetriesSettings::On;
  EXPECT_EQ(settings.on, (std::vector{On::ConnectFailure, On::RefusedStream, On::Reset})) << "and not on 503";
  EXPECT_FALSE(settings.idempotencyHeader);
  EXPECT_EQ(settings.maxBody, 64u * 1024);
  expectWritesWhatItReads<RetriesSettings>("{}");
}

TEST(RetriesSettingsTest, APostIsRepeatedOnlyByItsHeader) {
  EXPECT_EQ(good<RetriesSettings>(R"({"idempotency_header": "Idempotency-Key"})").idempotencyHeader, "idempotency-key");
  expectProblems<RetriesSettings>({
      {R"({"methods": ["GET", "POST"]})", {{"/methods/1", "one of GET, HEAD, OPTIONS, PUT, DELETE"}}},
      {R"({"methods": ["PATCH"]})", {{"/methods/0", "one of GET"}}},
  });
}

TEST(RetriesSettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<RetriesSettings>({
      {R"({"attempts": 0})", {{"/attempts", "from 1 to 10"}}},
      {R"({"attempts": 11})", {{"/attempts", "from 1 to 10"}}},
      {R"({"on": ["5xx"]})", {{"/on/0", "one of connect_failure, refused_stream, reset"}}},
      {R"({"on": []})", {{"/on", "nothing is left to repeat on"}}},
      {R"({"on": ["timeout"]})", {{"/on", "needs a per_try_timeout"}}},
      {R"({"statuses": [200]})", {{"/statuses/0", "from 400 to 599"}}},
      {R"({"budget": {"ratio": 0, "min_per_second": 0}})", {{"/budget/ratio", "a budget of nothing"}}},
      {R"({"budget": {"ratio": 1.5, "window": "0s"}})",
       {{"/budget/ratio", "from 0 to 1"}, {"/budget/window", "from 1s to 10m"}}},
      {R"({"backoff": {"base": "300ms"}})", {{"/backoff/base", "above most"}}},
      {R"({"backoff": {"most": "10ms"}})", {{"/backoff/most", "above most"}}},
      {R"({"per_try_timeout": "2s", "total_timeout": "1s"})", {{"/per_try_timeout", "above total_timeout"}}},
      {R"({"max_body": "2MiB", "match": {"paths": []}})",
       {{"/max_body", "from 0B to 1MiB"}, {"/match/paths", "at least one"}}},
  });
  good<RetriesSettings>(R"({"on": [], "statuses": [503]})");
  good<RetriesSettings>(R"({"on": ["timeout"], "per_try_timeout": "1s", "total_timeout": "1s"})");
}

}  // namespace
}  // namespace loam::filters
