#pragma once

#include <span>
#include <string>
#include <vector>

#include "rollout/flags/flag.h"

namespace loam::flags {

/// Populations below this many units are switched in the order of their rank, so that 10 % of eight is one and not none
/// or three (`rollout.md` 3.4).
constexpr std::size_t kSmallPopulation = 200;

/// How many of `count` units a share means: none for 0, else at least one, rounded up.
std::size_t membersOf(Share share, std::size_t count);

/// Which units of a known population are in, in the order in which they are switched: those of `include` first, then by
/// bucket; never one of `exclude`. In a small population the share counts heads, in a great one buckets. A greater
/// share keeps all that a smaller one had. `units` need no order and no uniqueness.
std::vector<std::string> switched(const Flag& flag, std::span<const std::string> units);

}  // namespace loam::flags
