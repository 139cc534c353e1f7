#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "shadow/record/graph_store.h"

namespace loam::record {

/// The record keeps each count in buckets of 10 s while it is young; later it moves into buckets of 1 min, 5 min, 1 h
/// and 1 d at once, of which the finer are deleted first. Each of these levels is complete from its horizon on.
struct Level {
  std::int64_t seconds = 0;
  std::int64_t horizon = 0;  ///< unix seconds, a multiple of the next coarser level
};

/// Finest first.
using Levels = std::array<Level, 4>;
constexpr std::array<std::int64_t, 4> kLevelSeconds{60, 300, 3600, 86'400};

struct WindowPlan {
  struct Range {
    std::int64_t seconds = 0;  ///< of the level
    std::int64_t from = 0;
    std::int64_t to = 0;
    bool operator==(const Range&) const = default;
  };
  graph::Window window;       ///< snapped to the buckets; empty (to <= from) when none lies inside
  std::vector<Range> ranges;  ///< disjoint, of the levels; the buckets of 10 s are read for the whole window besides
  std::int64_t resolution = wire::kBucketSeconds;  ///< of the buckets at the window's ends: how exact its edges are
};

/// Cuts a window into the fewest buckets. `moved`: what lies before has moved from buckets of 10 s to the levels.
WindowPlan planWindow(graph::Window window, Snap snap, std::int64_t moved, const Levels& levels);

/// Cuts a window into the finest buckets that are held, none of them finer than `finest` seconds: ranges with the
/// length of their buckets, ascending, adjoining. The first begins with a whole bucket.
std::vector<WindowPlan::Range> planSlices(graph::Window window, std::int64_t finest, std::int64_t moved,
                                          const Levels& levels);
/// How many buckets that is.
std::uint64_t bucketsIn(const std::vector<WindowPlan::Range>& ranges);

constexpr std::int64_t alignDown(std::int64_t value, std::int64_t step) {
  return value - ((value % step) + step) % step;
}
constexpr std::int64_t alignUp(std::int64_t value, std::int64_t step) { return -alignDown(-value, step); }

}  // namespace loam::record
