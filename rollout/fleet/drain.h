#pragma once

#include <cstdint>
#include <string_view>

#include "rollout/fleet/agent.h"

namespace loam::fleet {

/// How far the drain of a proxy is.
enum class DrainState : std::uint8_t {
  None,      ///< it captures what its host's rules lead to it
  Asked,     ///< it has not said yet that it is drained
  TooOld,    ///< and never will: it does not know how, and is not told
  Draining,  ///< nothing new is led to it; some connections are left
  Drained,   ///< none is left but those of its explicit ports
  Resuming   ///< it has not said yet that it captures again
};
std::string_view name(DrainState state);

/// Whether the proxy knows how to be drained, by what it says it can do.
bool canDrain(const Agent& agent);

/// `current` is the controller's epoch. Of a proxy that is silent: as it said last.
DrainState drainStateOf(const Agent& agent, std::uint64_t current);

}  // namespace loam::fleet
