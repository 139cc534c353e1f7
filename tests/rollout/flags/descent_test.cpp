#include "rollout/flags/descent.h"

#include <gtest/gtest.h>

namespace loam::flags {
namespace {

Flag flagAt(const std::string& stage, const std::string& feature = "mtls") {
  Flag flag;
  flag.cell = {"cart", feature};
  flag.stage = stage;
  flag.salt = "salt";
  flag.settings["fallback"] = "deny";
  flag.revision = 7;
  return flag;
}

std::vector<std::string> stagesOf(const std::vector<Flag>& steps) {
  std::vector<std::string> stages;
  for (const Flag& step : steps) stages.push_back(step.stage);
  return stages;
}

TEST(DescentTest, MutualTlsGoesDownRungByRung) {
  using Stages = std::vector<std::string>;
  const auto way = [](const char* from, const char* to) { return stagesOf(stepsDown(flagAt(from), flagAt(to))); };
  EXPECT_EQ(way("strict", "off"), (Stages{"prefer", "permissive"}));
  EXPECT_EQ(way("strict", "observe"), (Stages{"prefer", "permissive"}));
  EXPECT_EQ(way("strict", "permissive"), Stages{"prefer"});
  EXPECT_EQ(way("strict", "prefer"), Stages{}) << "callers go on in TLS, and fall back";
  EXPECT_EQ(way("prefer", "off"), Stages{"permissive"});
  EXPECT_EQ(way("prefer", "permissive"), Stages{});
  EXPECT_EQ(way("permissive", "off"), Stages{}) << "nobody offers TLS";
  EXPECT_EQ(way("observe", "off"), Stages{});
  EXPECT_EQ(way("off", "strict"), Stages{});
  EXPECT_TRUE(stepsDown(flagAt("enforce", "policy"), flagAt("off", "policy")).empty()) << "at once";
}

TEST(DescentTest, AStepHoldsForAllWithTheSettingsOfBefore) {
  Flag from = flagAt("strict");
  from.share = 30'000;
  from.include = {"web"};
  from.exclude = {"batch"};
  Flag to = flagAt("prefer");
  to.share = 10'000;
  to.settings["fallback"] = "allow";
  const std::vector<Flag> steps = stepsDown(from, to);
  ASSERT_EQ(steps.size(), 1u) << "whom the smaller share leaves out would send plaintext to a strict callee";
  EXPECT_EQ(steps[0].stage, "prefer");
  EXPECT_EQ(steps[0].share, kWhole);
  EXPECT_TRUE(steps[0].include.empty() && steps[0].exclude.empty());
  EXPECT_EQ(steps[0].settings["fallback"], "deny");
  EXPECT_NE(steps[0].revision, 0u) << "it is to be told";
}

TEST(DescentTest, ReadsWhatItWrote) {
  const Descent descent{flagAt("strict"), 12'345};
  const auto read = readDescent({std::string(kDescentKind), "cart/mtls", 9, toJson(descent)});
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->from.stage, "strict");
  EXPECT_EQ(read->from.cell, (Cell{"cart", "mtls"}));
  EXPECT_EQ(read->at, 12'345);
  EXPECT_FALSE(readDescent({std::string(kDescentKind), "cart/mtls", 9, Json::Value(Json::objectValue)}));
}

}  // namespace
}  // namespace loam::flags
