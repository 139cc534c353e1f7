#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rollout/fleet/agent.h"
#include "rollout/notify/conditions.h"

namespace loam::notify {

/// How it is with one proxy: silent, refusing its snapshot, killed on its own host, with another
/// time than the controller. What a silent one said last holds.
void readProxy(const fleet::Agent& agent, bool silent, std::vector<Reading>& into);

/// One that the record knows and that has not asked since the controller began, long enough ago.
Reading neverAsked(const std::string& proxy);

}  // namespace loam::notify
