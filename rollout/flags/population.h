#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rollout/flags/flag.h"

namespace loam::flags {

/// Populations below this many units are switched in the order of their rank, so that 10 % of eight is one and not none
/// or three.
constexpr std::size_t kSmallPopulation = 200;

/// How many of `count` units a share means: none for 0, else at least one, rounded up.
std::size_t membersOf(Share share, std::size_t count);

/// Which units of a population are in, in the order in which they are switched: `include` first, then by rank (small)
/// or bucket; never one of `exclude`. A greater share keeps all that a smaller one had. `units` need no order.
std::vector<std::string> switched(const Flag& flag, std::span<const std::string> units);

}  // namespace loam::flags
