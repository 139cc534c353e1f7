#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rollout/audit/event.h"
#include "rollout/changes/cell_edit.h"
#include "rollout/flags/desired.h"

namespace loam::changes {

/// What a flag becomes because its time has come, and the act that says so.
struct Due {
  flags::Flag flag;
  audit::Act act;
};

/// What the controller does by itself.
audit::Act controllersAct(std::string verb, std::string reason);

/// Nothing while nothing is due. An end goes before an appointment; an appointment is judged as if somebody asked now,
/// and is called off, with the reason, when it does not apply any more. `now` in unix seconds. Pure.
std::optional<Due> dueOf(const flags::Desired& desired, const flags::Flag& flag, std::int64_t now, std::int64_t nowMs,
                         const Grounds& grounds = {});

}  // namespace loam::changes
