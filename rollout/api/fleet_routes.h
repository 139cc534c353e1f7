#pragma once

#include "rollout/api/control.h"
#include "rollout/api/router.h"

namespace loam::api {

/// /v1/watch, which proxies ask; /v1/fleet and what it says of one proxy; /v1/progress of a change.
void addFleetRoutes(Router& router, const Control& control, io::EventLoop& loop);

}  // namespace loam::api
