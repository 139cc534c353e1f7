#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rollout/features/feature.h"
#include "rollout/flags/flag.h"
#include "rollout/fleet/topology.h"

namespace loam::fleet {

/// The units of a stage that can be told one by one, as the record knows them now: callers by name, instances by
/// address ("10.0.0.1:80"). Nothing where units come and go. Previews and snapshots both go by it, so that they cannot
/// differ.
std::optional<std::vector<std::string>> unitsOf(features::Unit unit, const Place& place);

/// Turns the share of a few known units into their names: those that are in, and nobody else. A whole share stays one,
/// so that whom nobody knows is in too; so does that of many units, which goes by buckets. `units` as unitsOf() gives
/// them.
void nameUnits(const flags::Flag& flag, const std::optional<std::vector<std::string>>& units,
               wire::FeatureConfig& config);

}  // namespace loam::fleet
