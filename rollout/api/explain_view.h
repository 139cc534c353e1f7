#pragma once

#include <json/value.h>

#include "rollout/flags/desired.h"
#include "rollout/fleet/agent.h"
#include "rollout/fleet/explanation.h"
#include "shadow/record/calls.h"

namespace loam::api {

/// Forms in which people and programs see why a connection is refused.

/// outcome, caller, features, and cause where one of them denies it. `desired` tells who set the flags.
Json::Value view(const fleet::Explanation& explanation, const std::string& service, const flags::Desired& desired);
/// What a proxy is to run, has, and runs.
Json::Value generationsView(const fleet::Agent& agent, std::uint64_t epoch);
/// One row of what the record has of the past.
Json::Value refusalView(const record::ServiceVerdict& verdict);

}  // namespace loam::api
