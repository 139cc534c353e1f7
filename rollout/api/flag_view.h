#pragma once

#include <json/value.h>

#include "rollout/changes/changes.h"
#include "rollout/features/feature.h"
#include "rollout/fleet/drain.h"
#include "rollout/fleet/fleet.h"

namespace loam::api {

/// The forms in which people and programs see flags, changes and proxies; times are RFC 3339, shares percentages as
/// text ("12.5").
Json::Value view(const features::Feature& feature);
Json::Value view(const features::Check& check);
/// `frozen`: what keeps it from rising; null: nothing.
Json::Value view(const flags::Flag& flag, const flags::Freeze* frozen);
Json::Value view(const changes::Change& change);
/// before and after of every flag, needs, problems, and what moved; `hash` is what applying asks for.
Json::Value view(const changes::Change& change, const changes::Preview& preview);
Json::Value view(const flags::Freeze& freeze);
Json::Value view(const fleet::Progress& progress);
Json::Value view(const fleet::Fleet& fleet, const fleet::Agent& agent);
/// state, and who asked for it and why; what is left to the proxy, as far as it says.
Json::Value drainView(const fleet::Agent& agent, fleet::DrainState state);

}  // namespace loam::api
