#pragma once

#include <json/value.h>

#include "rollout/changes/change.h"
#include "rollout/fleet/reach.h"

namespace loam::api {

/// Whom an edit concerns: `switches` or `expected`, `callers`, `blast_radius`. Lists are cut at 200 names, callers at
/// 50; counts never are.
Json::Value view(const fleet::Reach& reach);

/// The view of a change with its preview, and with what it concerns beside each flag: that is told, not sworn to, and
/// so no part of the hash.
Json::Value view(const changes::Change& change, const changes::Preview& preview, const fleet::Sight& sight);

}  // namespace loam::api
