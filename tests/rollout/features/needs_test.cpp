#include <gtest/gtest.h>

#include "proxy/base/json.h"
#include "rollout/features/feature.h"

namespace loam::features {
namespace {

std::string needsOf(std::string_view feature, std::string_view stage, std::string_view settings = "{}") {
  const Json::Value value = parseJson(settings).value_or(Json::Value());
  std::string text;
  for (const Need& need : find(feature)->needs({stage, value})) {
    text.append(need.feature).append(" ").append(need.stage).append(need.whole ? " whole" : "");
    EXPECT_FALSE(need.why.empty());
  }
  return text;
}

TEST(NeedsTest, NothingBesideTheRelayNeedsAnything) {
  for (const Feature& feature : registry()) {
    for (const Stage& stage : feature.ladder) {
      if (stage.name != "off" && !stage.beside) continue;
      EXPECT_EQ(needsOf(feature.name, stage.name), "") << feature.name << " " << stage.name;
    }
  }
}

TEST(NeedsTest, WhatActsOnConnectionsNeedsNothing) {
  for (const char* feature : {"observe", "shadow", "serve", "mtls", "balancing"}) {
    for (const Stage& stage : find(feature)->ladder)
      EXPECT_EQ(needsOf(feature, stage.name), "") << feature << stage.name;
  }
}

TEST(NeedsTest, WhatActsOnExchangesNeedsServeAtAHundredPercent) {
  for (const char* feature : {"routing", "timeouts", "retries", "circuit_breaking", "fault"}) {
    EXPECT_EQ(needsOf(feature, "on"), "serve on whole") << feature;
  }
}

TEST(NeedsTest, APolicyNeedsServeOnceARuleLooksAtExchanges) {
  EXPECT_EQ(needsOf("policy", "enforce",
                    R"({"default": "deny", "rules": [{"name": "a", "action": "allow", "match": {"ports": [80]}}]})"),
            "");
  constexpr const char* kExchanges =
      R"({"default": "deny", "rules": [{"name": "a", "action": "allow", "match": {"methods": ["GET"]}}]})";
  EXPECT_EQ(needsOf("policy", "enforce", kExchanges), "serve on whole");
  EXPECT_EQ(needsOf("policy", "simulate", kExchanges), "");
}

TEST(NeedsTest, ARateLimitNeedsServeOnceItLimitsExchanges) {
  EXPECT_EQ(needsOf("rate_limit", "enforce", R"({"connections": {"total": 5}})"), "");
  EXPECT_EQ(needsOf("rate_limit", "enforce", R"({"limits": [{"name": "a", "rate": "1/s"}]})"), "serve on whole");
  EXPECT_EQ(needsOf("rate_limit", "simulate", R"({"limits": [{"name": "a", "rate": "1/s"}]})"), "");
}

TEST(NeedsTest, AFaultOfConnectionsNeedsNothing) {
  EXPECT_EQ(needsOf("fault", "on", R"({"at": "connection", "delay": "1s"})"), "");
  EXPECT_EQ(needsOf("fault", "on", R"({"delay": "1s"})"), "serve on whole");
}

TEST(NeedsTest, EveryNeedIsAStageThatIsThere) {
  for (const Feature& feature : registry()) {
    const Json::Value nothing(Json::objectValue);
    for (const Stage& stage : feature.ladder) {
      for (const Need& need : feature.needs({stage.name, nothing})) {
        ASSERT_NE(find(need.feature), nullptr) << need.feature;
        EXPECT_TRUE(find(need.feature)->rung(need.stage)) << need.feature << need.stage;
      }
    }
  }
}

}  // namespace
}  // namespace loam::features
