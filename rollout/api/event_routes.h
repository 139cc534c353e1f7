#pragma once

#include "rollout/api/event_hub.h"
#include "rollout/api/router.h"

namespace loam::api {

/// GET /v1/events. `hub` outlives the router.
void addEventRoutes(Router& router, EventHub& hub);

}  // namespace loam::api
