#pragma once

#include <json/value.h>

#include "rollout/features/policy_draft.h"
#include "rollout/features/policy_impact.h"

namespace loam::api {

/// What a policy would do, or did, to the connections of a window: connections, denied, enforced, exchange_decides, and
/// edges by caller, port and rule.
Json::Value view(const features::PolicyImpact& impact);

/// A drafted policy with what it stands on: settings, samples, oldest, age_seconds, rules, left_out. Ages are told as
/// of the window's end, so that the same window gives the same bytes.
Json::Value view(const features::PolicyDraft& draft, graph::Window window);

}  // namespace loam::api
