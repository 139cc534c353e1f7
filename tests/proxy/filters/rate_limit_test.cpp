#include "proxy/filters/rate_limit.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(RateLimitSettingsTest, LimitsAreOnExchangesAndCapsOnConnections) {
  const auto limits = good<RateLimitSettings>(R"({"limits": [{"name": "a", "rate": "100/s"}]})");
  EXPECT_TRUE(limits.actsOnExchanges());
  EXPECT_FALSE(limits.actsOnConnections());
  EXPECT_EQ(limits.limits[0].key, RateLimit::Key::Caller);
  EXPECT_EQ(limits.limits[0].rate->count, 100u);
  EXPECT_FALSE(limits.limits[0].burst);
  EXPECT_EQ(limits.scope, RateLimitSettings::Scope::Proxy);
  EXPECT_TRUE(limits.headers);
  const auto caps = good<RateLimitSettings>(R"({"connections": {"total": 10}})");
  EXPECT_FALSE(caps.actsOnExchanges());
  EXPECT_TRUE(caps.actsOnConnections());
  expectWritesWhatItReads<RateLimitSettings>(R"({"limits": [{"name": "a", "rate": "100/s"}]})");
  expectWritesWhatItReads<RateLimitSettings>(R"({"connections": {"total": 10, "opens": "5/s", "burst": 9}})");
}

TEST(RateLimitSettingsTest, CallersMayHaveRatesOfTheirOwn) {
  const auto settings = good<RateLimitSettings>(R"({"limits": [{"name": "a", "quota": "5000/day", "callers": [
      {"source": "batch", "rate": "10/m", "burst": 2}, {"source": "10.0.0.0/8", "quota": "1/month"}]}]})");
  EXPECT_EQ(settings.limits[0].callers[1].quota->period, Quota::Period::Month);
}

TEST(RateLimitSettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<RateLimitSettings>({
      {"{}", {{"", "nothing is limited"}}},
      {R"({"limits": []})", {{"/limits", "nothing is limited"}}},
      {R"({"limits": [{"name": "a"}, {"rate": "1/s"}]})",
       {{"/limits/0", "neither a rate nor a quota"}, {"/limits/1", "\"name\" is missing"}}},
      {R"({"limits": [{"name": "a", "rate": "1/s"}, {"name": "a", "rate": "1/s"}]})", {{"/limits/1/name", "already"}}},
      {R"({"limits": [{"name": "a", "rate": "1 per second"}]})", {{"/limits/0/rate", "a rate like 100/s"}}},
      {R"({"limits": [{"name": "a", "quota": "1/week"}]})", {{"/limits/0/quota", "a quota like"}}},
      {R"({"limits": [{"name": "a", "quota": "1/day", "burst": 5}]})", {{"/limits/0/burst", "a burst of no rate"}}},
      {R"({"limits": [{"name": "a", "rate": "1/s", "burst": 0}]})", {{"/limits/0/burst", "from 1 to"}}},
      {R"({"limits": [{"name": "a", "rate": "1/s", "key": "header"}]})", {{"/limits/0/key", "go together"}}},
      {R"({"limits": [{"name": "a", "rate": "1/s", "header": "x-tenant"}]})", {{"/limits/0/header", "go together"}}},
      {R"({"limits": [{"name": "a", "key": "address", "callers": [{"source": "web", "rate": "1/s"}]}]})",
       {{"/limits/0/callers", "only where the key is caller or identity"}}},
      {R"({"limits": [{"name": "a", "callers": [{}, {"source": "web", "quota": "1/day", "burst": 1}]}]})",
       {{"/limits/0/callers/0", "\"source\" is missing"},
        {"/limits/0/callers/0", "nothing is limited"},
        {"/limits/0/callers/1/burst", "a burst of no rate"}}},
      {R"({"connections": {}})", {{"/connections", "nothing is limited"}}},
      {R"({"connections": {"total": 5, "per_source": 6}})", {{"/connections/per_source", "never comes"}}},
      {R"({"connections": {"total": 5, "burst": 6}})", {{"/connections/burst", "a burst of no rate"}}},
      {R"({"connections": {"total": 5}, "scope": "mesh"})", {{"/scope", "one of proxy, service"}}},
  });
}

}  // namespace
}  // namespace loam::filters
