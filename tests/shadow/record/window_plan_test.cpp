#include "shadow/record/window_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace loam::record {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

Levels levelsAt(std::int64_t now) {
  return {Level{60, alignDown(now - 6 * 3600, 300)}, Level{300, alignDown(now - 7 * 86'400, 3600)},
          Level{3600, alignDown(now - 90 * 86'400, 86'400)}, Level{86'400, alignDown(now - 730LL * 86'400, 86'400)}};
}

TEST(WindowPlanTest, TakesTheFewestBuckets) {
  const std::int64_t day = alignDown(kNow, 86'400);
  const auto plan =
      planWindow({day - 86'400 - 3600 - 300, day}, Snap::Around, alignDown(kNow - 600, 60), levelsAt(kNow));
  EXPECT_EQ(plan.ranges,
            (std::vector<WindowPlan::Range>{
                {300, day - 90'300, day - 90'000}, {3600, day - 90'000, day - 86'400}, {86'400, day - 86'400, day}}));
  EXPECT_EQ(plan.resolution, 300);
}

TEST(WindowPlanTest, YoungWindowsNeedTensAlone) {
  const auto plan = planWindow({kNow - 60, kNow}, Snap::Around, alignDown(kNow - 600, 60), levelsAt(kNow));
  EXPECT_TRUE(plan.ranges.empty());
  EXPECT_EQ(plan.resolution, 10);
  EXPECT_EQ(plan.window.from, kNow - 60);
}

/// Whatever the window: the ranges lie end to end, each bucket exists at its level, and the snapped window obeys its
/// rule.
TEST(WindowPlanTest, CoversAnyWindowExactly) {
  std::mt19937_64 random(3);
  const std::int64_t moved = alignDown(kNow - 600, 60);
  const Levels levels = levelsAt(kNow);
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t length = static_cast<std::int64_t>(random() >> (34 + random() % 30)) + 1;
    const std::int64_t from = kNow - static_cast<std::int64_t>(random() % (800LL * 86'400));
    const Snap snap = i % 2 == 0 ? Snap::Around : Snap::Inside;
    const auto plan = planWindow({from, from + length}, snap, moved, levels);
    if (plan.window.to <= plan.window.from) {
      ASSERT_EQ(snap, Snap::Inside);
      continue;
    }
    if (snap == Snap::Around) {
      ASSERT_LE(plan.window.from, from);
      ASSERT_GE(plan.window.to, from + length);
    } else {
      ASSERT_GE(plan.window.from, from);
      ASSERT_LE(plan.window.to, from + length);
    }
    std::int64_t at = plan.window.from;
    for (const auto& range : plan.ranges) {
      ASSERT_EQ(range.from, at);
      ASSERT_EQ(range.from % range.seconds, 0);
      ASSERT_EQ((range.to - range.from) % range.seconds, 0);
      for (const Level& level : levels) {
        const bool used = level.seconds == range.seconds && level.seconds != 86'400;
        ASSERT_TRUE(!used || range.from >= level.horizon);
      }
      at = range.to;
    }
    ASSERT_EQ(at, std::max(plan.window.from, std::min(plan.window.to, moved)));
  }
}

}  // namespace
}  // namespace loam::record
