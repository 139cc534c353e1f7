#pragma once

#include "rollout/api/control.h"
#include "rollout/api/router.h"

namespace loam::api {

/// /v1/identity and what is below it: 404 on a controller that holds no authority.
void addIdentityRoutes(Router& router, const Control& control);

}  // namespace loam::api
