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

/// Whatever the window and the finest bucket wanted: the ranges lie end to end, and each has the finest that is held.
TEST(WindowPlanTest, SlicesAreTheFinestThatAreHeld) {
  std::mt19937_64 random(5);
  const std::int64_t moved = alignDown(kNow - 600, 60);
  const Levels levels = levelsAt(kNow);
  const auto heldAt = [&](std::int64_t at) {
    if (at >= moved) return wire::kBucketSeconds;
    for (const Level& level : levels) {
      if (at >= level.horizon) return level.seconds;
    }
    return levels.back().seconds;
  };
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t from = kNow - 10 * static_cast<std::int64_t>(random() % (10 * 86'400));
    const graph::Window window = planWindow({from, from + 10 + 10 * static_cast<std::int64_t>(random() % (10 * 8640))},
                                            Snap::Around, moved, levels)
                                     .window;
    for (const std::int64_t finest : {std::int64_t{10}, std::int64_t{300}, std::int64_t{86'400}}) {
      const auto ranges = planSlices(window, finest, moved, levels);
      ASSERT_FALSE(ranges.empty());
      EXPECT_EQ(ranges.front().from, alignDown(window.from, ranges.front().seconds));
      EXPECT_EQ(ranges.back().to, window.to);
      std::uint64_t buckets = 0;
      for (std::size_t k = 0; k < ranges.size(); ++k) {
        if (k != 0) {
          ASSERT_EQ(ranges[k].from, ranges[k - 1].to);
        }
        ASSERT_EQ(ranges[k].seconds, std::max(finest, heldAt(std::max(window.from, ranges[k].from))));
        ASSERT_EQ(ranges[k].seconds, std::max(finest, heldAt(ranges[k].to - 1)));
        buckets +=
            static_cast<std::uint64_t>((ranges[k].to - ranges[k].from + ranges[k].seconds - 1) / ranges[k].seconds);
      }
      EXPECT_EQ(bucketsIn(ranges), buckets);
    }
  }
}

}  // namespace
}  // namespace loam::record
