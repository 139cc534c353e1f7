#include "proxy/filters/shadow.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(ShadowSettingsTest, CopyOnlyWhatIsSafeByDefault) {
  const auto settings = good<ShadowSettings>(R"({"candidate": "checkout-next"})");
  EXPECT_EQ(settings.methods, (std::vector<std::string>{"GET", "HEAD", "OPTIONS"}));
  EXPECT_FALSE(settings.sandbox);
  EXPECT_FALSE(settings.forwardCredentials);
  EXPECT_TRUE(settings.unsafeRoutes.empty());
  EXPECT_EQ(settings.maxBody, 1u << 20);
  EXPECT_EQ(settings.maxQueue, 4u << 20);
  EXPECT_EQ(settings.timeout, seconds(5));
  EXPECT_EQ(settings.compare.replay, 0.001);
  expectWritesWhatItReads<ShadowSettings>(R"({"candidate": "checkout-next"})");
}

TEST(ShadowSettingsTest, AreKeptWithoutACandidateButNotUsed) {
  good<ShadowSettings>("{}", Purpose::Keep);
  expectProblems<ShadowSettings>({{"{}", {{"", "\"candidate\" is missing"}}}});
}

TEST(ShadowSettingsTest, AnUnsafeRouteNeedsASandbox) {
  const auto settings = good<ShadowSettings>(
      R"({"candidate": "c", "sandbox": true, "methods": [], "unsafe_routes": [{"method": "POST", "paths": ["/search"]}]})");
  EXPECT_EQ(settings.unsafeRoutes[0].paths[0].text, "/search");
  expectProblems<ShadowSettings>({
      {R"({"candidate": "c", "unsafe_routes": [{"method": "POST", "paths": ["/search"]}]})",
       {{"/unsafe_routes", "only where the candidate is a sandbox"}}},
      {R"({"candidate": "c", "sandbox": true, "unsafe_routes": [{"method": "GET", "paths": ["a"]}, {}]})",
       {{"/unsafe_routes/0/method", "one of POST, PUT, PATCH, DELETE"},
        {"/unsafe_routes/0/paths/0", "a path pattern"},
        {"/unsafe_routes/1", "\"method\" is missing"},
        {"/unsafe_routes/1", "\"paths\" is missing"}}},
  });
}

TEST(ShadowSettingsTest, AnIgnoredDifferenceHasAnOwnerAndAnEnd) {
  const auto settings = good<ShadowSettings>(R"({"candidate": "c", "compare": {"ignore": [
      {"field": "body:/items/*/id", "owner": "payments", "expires": "2026-12-01T00:00:00Z"}]}})");
  EXPECT_EQ(settings.compare.ignore[0].expires, 1'796'083'200);
  expectProblems<ShadowSettings>({
      {R"({"candidate": "c", "compare": {"ignore": [{"field": "date"}]}})",
       {{"/compare/ignore/0/field", "status, header:NAME or body:/POINTER"},
        {"/compare/ignore/0", "\"owner\" is missing"},
        {"/compare/ignore/0", "\"expires\" is missing"}}},
      {R"({"candidate": "c", "compare": {"body": "fuzzy", "replay": 0.5}})",
       {{"/compare/body", "one of auto, hash, none"}, {"/compare/replay", "from 0 to 0.1"}}},
  });
}

TEST(ShadowSettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<ShadowSettings>({
      {R"({"candidate": "c", "methods": ["POST"]})", {{"/methods/0", "one of GET, HEAD, OPTIONS"}}},
      {R"({"candidate": "c", "methods": []})", {{"/methods", "nothing would be copied"}}},
      {R"({"candidate": "c", "max_body": "8MiB"})", {{"/max_body", "longer than the whole queue"}}},
      {R"({"candidate": "c", "max_queue": "64KiB"})", {{"/max_queue", "longer than the whole queue"}}},
      {R"({"candidate": "a/b", "timeout": "1ms", "labels": {"version": ""}})",
       {{"/candidate", "a service's name"}, {"/labels/version", "a label"}, {"/timeout", "from 10ms to 5m"}}},
  });
}

}  // namespace
}  // namespace loam::filters
