#include "rollout/fleet/drain.h"

#include <algorithm>

namespace loam::fleet {

std::string_view name(DrainState state) {
  switch (state) {
    case DrainState::None:
      return "none";
    case DrainState::Asked:
      return "asked";
    case DrainState::TooOld:
      return "too_old";
    case DrainState::Draining:
      return "draining";
    case DrainState::Drained:
      return "drained";
    case DrainState::Resuming:
      return "resuming";
  }
  return "none";
}

bool canDrain(const Agent& agent) {
  return std::binary_search(agent.capabilities.begin(), agent.capabilities.end(), wire::kDrainCapability);
}

DrainState drainStateOf(const Agent& agent, std::uint64_t current) {
  const bool asked = agent.lastContact != 0;
  const bool tookIt = agent.epoch == current && agent.inEffect >= agent.drainedSince;
  if (!agent.drain) {
    const bool leftBehind = agent.drainedSince != 0 && !tookIt;
    return leftBehind || agent.drained ? DrainState::Resuming : DrainState::None;
  }
  if (asked && !canDrain(agent)) return DrainState::TooOld;
  if (!tookIt || !agent.drained) return DrainState::Asked;
  return agent.drained->isOver() ? DrainState::Drained : DrainState::Draining;
}

}  // namespace loam::fleet
