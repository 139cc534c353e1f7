#pragma once

#include "proxy/base/clock.h"
#include "rollout/api/background.h"
#include "rollout/api/router.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// Adds what reads the record: /v1/graph, its export and diff, /v1/services, /v1/edges, /v1/proxies. Queries run on
/// `reader`; everything outlives the router.
void addGraphRoutes(Router& router, const record::Recorder& recorder, Background& reader, const Clock& clock);

}  // namespace loam::api
