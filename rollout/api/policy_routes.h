#pragma once

#include "proxy/base/clock.h"
#include "rollout/api/background.h"
#include "rollout/api/router.h"
#include "rollout/flags/flag_store.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// Adds what the record says of a service's policy on connections: GET and POST /v1/services/{name}/policy/simulate,
/// GET /v1/services/{name}/policy/generate. None of them changes anything. Queries run on `reader`; everything outlives
/// the router.
void addPolicyRoutes(Router& router, const record::Recorder& recorder, const flags::FlagStore& flags,
                     Background& reader, const Clock& clock);

}  // namespace loam::api
