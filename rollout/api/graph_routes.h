#pragma once

#include <vector>

#include "proxy/base/clock.h"
#include "rollout/api/background.h"
#include "rollout/api/router.h"
#include "rollout/flags/flag_store.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// The services that are not observed whole, and that share.
std::vector<graph::Sampled> sampledOf(const flags::Desired& desired);

/// Adds what reads the record: /v1/graph, its export and diff, /v1/services, /v1/edges, /v1/proxies. Queries run on
/// `reader`; `flags` say what is observed only in part; everything outlives the router.
void addGraphRoutes(Router& router, const record::Recorder& recorder, const flags::FlagStore& flags, Background& reader,
                    const Clock& clock);

}  // namespace loam::api
