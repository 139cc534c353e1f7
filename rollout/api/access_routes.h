#pragma once

#include <functional>

#include "rollout/access/access_store.h"
#include "rollout/api/control.h"
#include "rollout/api/router.h"

namespace loam::api {

/// /v1/users and /v1/tokens. All outlives the router.
void addAccessRoutes(Router& router, const Control& control, access::AccessStore& access);

/// /v1/whoami. `isLoopbackOpen`: whether anybody on loopback is an admin.
void addWhoamiRoute(Router& router, std::function<bool()> isLoopbackOpen);

}  // namespace loam::api
