#include "rollout/features/simulated_readiness.h"

#include <gtest/gtest.h>

namespace loam::features {
namespace {

record::Call callBy(const std::string& caller, std::uint64_t connections) {
  record::Call call;
  call.caller = caller;
  call.connections = connections;
  return call;
}

record::ServiceVerdict refusalOf(const std::string& caller, const std::string& feature, const std::string& rule,
                                 std::uint64_t count, std::int64_t last, bool enforced = false) {
  record::ServiceVerdict verdict;
  verdict.caller = caller;
  verdict.sum.feature = feature;
  verdict.sum.rule = rule;
  verdict.sum.count = count;
  verdict.sum.last = last;
  verdict.sum.enforced = enforced;
  return verdict;
}

TEST(SimulatedReadinessTest, WhoWouldBeRefusedBlocksByHowOften) {
  record::Calls calls;
  calls.calls = {callBy("web", 60), callBy("web", 20), callBy("batch", 15), callBy("cron", 5)};
  calls.verdicts = {refusalOf("batch", "serve", "bare_lf", 2, 100), refusalOf("batch", "serve", "bare_lf", 3, 90),
                    refusalOf("cron", "serve", "host", 9, 70),      refusalOf("stranger", "serve", "obs_fold", 1, 60),
                    refusalOf("web", "policy", "no-admin", 99, 50), refusalOf("web", "serve", "host", 99, 50, true)};
  const SimulatedReadiness readiness = simulatedReadiness(calls, "serve", {});
  EXPECT_FALSE(readiness.isReady());
  EXPECT_EQ(readiness.blocking, 3u);
  EXPECT_EQ(readiness.percent(), 25u);
  EXPECT_EQ(readiness.whoBlocks(), "cron (host 9), batch (bare_lf 5), stranger (obs_fold 1)");
  ASSERT_EQ(readiness.callers.size(), 4u);
  EXPECT_EQ(readiness.callers[1].lastRefused, 100);
  EXPECT_EQ(readiness.callers[1].share, 0.15);
  EXPECT_EQ(readiness.callers[3].name, "web") << "of another feature, or enforced already";
  EXPECT_EQ(readiness.callers[3].connections, 80u);
  EXPECT_EQ(readiness.callers[3].refused(), 0u);
}

TEST(SimulatedReadinessTest, WhomTheStageLeavesOutBlocksNothing) {
  record::Calls calls;
  calls.verdicts = {refusalOf("batch", "rate_limit", "r", 2, 100)};
  EXPECT_FALSE(simulatedReadiness(calls, "rate_limit", {}).isReady());
  const SimulatedReadiness readiness = simulatedReadiness(calls, "rate_limit", {"batch"});
  EXPECT_TRUE(readiness.isReady());
  EXPECT_EQ(readiness.percent(), 100u);
  EXPECT_EQ(readiness.callers[0].refused(), 2u) << "but it is shown";
  EXPECT_EQ(readiness.whoBlocks(), "");
}

TEST(SimulatedReadinessTest, NobodyIsReady) {
  EXPECT_TRUE(simulatedReadiness({}, "serve", {}).isReady());
  EXPECT_EQ(simulatedReadiness({}, "serve", {}).percent(), 100u);
}

}  // namespace
}  // namespace loam::features
