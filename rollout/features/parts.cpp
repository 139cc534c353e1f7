#include "rollout/features/parts.h"

namespace loam::features {

std::vector<Need> needsNothing(const Target&) { return {}; }

std::vector<Need> needsServeWhenOn(const Target& target) {
  if (target.stage != "on") return {};
  return {servedWhole()};
}

Need servedWhole() {
  return {"serve", "on", true, "it acts on exchanges, and a relayed connection has none to act on"};
}

}  // namespace loam::features
