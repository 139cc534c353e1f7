#include "shadow/record/window_plan.h"

#include <algorithm>

namespace loam::record {

namespace {

/// Seconds of the finest buckets that are complete at `at`.
std::int64_t finestAt(std::int64_t at, std::int64_t moved, const Levels& levels) {
  if (at >= moved) return wire::kBucketSeconds;
  for (const Level& level : levels) {
    if (at >= level.horizon) return level.seconds;
  }
  return levels.back().seconds;
}

/// Seconds of the coarsest bucket that starts at `at` and ends by `to`.
std::int64_t coarsestAt(std::int64_t at, std::int64_t to, const Levels& levels) {
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    if (at % level->seconds == 0 && at + level->seconds <= to) return level->seconds;
  }
  return 0;
}

}  // namespace

WindowPlan planWindow(graph::Window window, Snap snap, std::int64_t moved, const Levels& levels) {
  WindowPlan plan;
  const std::int64_t first = finestAt(window.from, moved, levels);
  const std::int64_t last = finestAt(window.to - 1, moved, levels);
  if (snap == Snap::Around) {
    plan.window = {alignDown(window.from, first), alignUp(window.to, last)};
  } else {
    plan.window = {alignUp(window.from, first), alignDown(window.to, last)};
  }
  plan.resolution = std::max(first, last);
  const std::int64_t end = std::min(plan.window.to, moved);
  std::int64_t at = plan.window.from;
  while (at < end) {
    const std::int64_t step = coarsestAt(at, end, levels);
    if (step == 0) break;  // `moved` is a whole minute, so only a window of 10 s buckets gets here
    if (!plan.ranges.empty() && plan.ranges.back().seconds == step && plan.ranges.back().to == at) {
      plan.ranges.back().to += step;
    } else {
      plan.ranges.push_back({step, at, at + step});
    }
    at += step;
  }
  return plan;
}

std::vector<WindowPlan::Range> planSlices(graph::Window window, std::int64_t finest, std::int64_t moved,
                                          const Levels& levels) {
  std::vector<WindowPlan::Range> ranges;
  for (std::int64_t at = window.from; at < window.to;) {
    const std::int64_t step = std::max(finest, finestAt(at, moved, levels));
    std::int64_t end = moved > at ? std::min(window.to, moved) : window.to;
    for (const Level& level : levels) {
      if (level.horizon > at) end = std::min(end, level.horizon);
    }
    if (!ranges.empty() && ranges.back().seconds == step) {
      ranges.back().to = end;
    } else {
      ranges.push_back({step, alignDown(at, step), end});
    }
    at = end;
  }
  return ranges;
}

std::uint64_t bucketsIn(const std::vector<WindowPlan::Range>& ranges) {
  std::uint64_t count = 0;
  for (const WindowPlan::Range& range : ranges)
    count += static_cast<std::uint64_t>((alignUp(range.to, range.seconds) - alignDown(range.from, range.seconds)) /
                                        range.seconds);
  return count;
}

}  // namespace loam::record
