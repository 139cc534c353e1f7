#include "proxy/filters/balancing.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(BalancingSettingsTest, DrawTwoAndTakeTheLessBusyByDefault) {
  const auto settings = good<BalancingSettings>("{}");
  EXPECT_EQ(settings.algorithm, Algorithm::LeastRequest);
  EXPECT_FALSE(settings.hash);
  EXPECT_FALSE(settings.health) << "Loam sends nothing of its own unless told to";
  EXPECT_EQ(settings.locality.prefer, Locality::Prefer::None);
  EXPECT_EQ(settings.panicPercent, 50u);
  EXPECT_EQ(settings.slowStart, seconds(10));
  EXPECT_EQ(settings.pool.idle, seconds(3));
  expectWritesWhatItReads<BalancingSettings>("{}");
}

TEST(BalancingSettingsTest, AHealthCheckAsksWhatItsKindCanAnswer) {
  const auto settings =
      good<BalancingSettings>(R"({"health": {"kind": "http", "path": "/health?full=1", "statuses": [204, 200]}})");
  EXPECT_EQ(settings.health->statuses, (std::vector<std::uint16_t>{200, 204}));
  EXPECT_EQ(settings.health->interval, seconds(10));
  expectProblems<BalancingSettings>({
      {R"({"health": {}})", {{"/health", "\"kind\" is missing"}}},
      {R"({"health": {"kind": "http"}})", {{"/health/kind", "has a path"}}},
      {R"({"health": {"kind": "tcp", "path": "/x"}})", {{"/health/path", "another has none"}}},
      {R"({"health": {"kind": "grpc", "statuses": [200]}})", {{"/health/statuses", "only a check of kind http"}}},
      {R"({"health": {"kind": "http", "path": "x y"}})", {{"/health/path", "a path like /health"}}},
      {R"({"health": {"kind": "tcp", "timeout": "11s"}})", {{"/health/timeout", "overtake"}}},
      {R"({"health": {"kind": "tcp", "interval": "500ms"}})", {{"/health/interval", "overtake"}}},
      {R"({"health": {"kind": "ping", "port": 0, "healthy_after": 0, "unhealthy_after": 101}})",
       {{"/health/kind", "one of tcp, http, grpc"},
        {"/health/port", "from 1 to 65535"},
        {"/health/healthy_after", "from 1 to 100"},
        {"/health/unhealthy_after", "from 1 to 100"}}},
  });
}

TEST(BalancingSettingsTest, AHashGoesWithAnAlgorithmThatHashes) {
  good<BalancingSettings>(R"({"algorithm": "maglev", "hash": {"by": "source"}})");
  good<BalancingSettings>(R"({"hash": {"by": "cookie", "name": "session"},
      "subsets": [{"name": "v2", "labels": {"version": "v2"}, "algorithm": "ring_hash"}]})");
  expectProblems<BalancingSettings>({
      {R"({"algorithm": "ring_hash"})", {{"/algorithm", "need a hash"}}},
      {R"({"hash": {"by": "source"}})", {{"/hash", "nothing else has a use for one"}}},
      {R"({"algorithm": "maglev", "hash": {"by": "header"}})", {{"/hash/by", "has a name"}}},
      {R"({"algorithm": "maglev", "hash": {"by": "source", "name": "x"}})", {{"/hash/name", "a source has none"}}},
      {R"({"algorithm": "maglev", "hash": {}})", {{"/hash", "\"by\" is missing"}}},
  });
}

TEST(BalancingSettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<BalancingSettings>({
      {R"({"algorithm": "least_requests"})", {{"/algorithm", "one of least_request, peak_ewma"}}},
      {R"({"locality": {"prefer": "region", "least_endpoints": 0}})",
       {{"/locality/prefer", "one of none, zone"}, {"/locality/least_endpoints", "from 1 to 1000"}}},
      {R"({"subsets": [{"name": "a", "labels": {"v": "1"}}, {"name": "a", "labels": {"v": "2"}}, {"name": "b"}]})",
       {{"/subsets/2", "\"labels\" is missing"}, {"/subsets/1/name", "already"}}},
      {R"({"pool": {"idle": "2m", "life": "1m"}})", {{"/pool/idle", "never comes"}}},
      {R"({"pool": {"most_idle": -1}, "slow_start": "31m", "panic_percent": 101})",
       {{"/pool/most_idle", "from 0 to 10000"},
        {"/slow_start", "from 0s to 30m"},
        {"/panic_percent", "from 0 to 100"}}},
  });
}

}  // namespace
}  // namespace loam::filters
