#pragma once

#include <vector>

#include "rollout/api/control.h"
#include "rollout/api/router.h"

namespace loam::api {

/// /v1/identity and what is below it: 404 on a controller that holds no authority.
void addIdentityRoutes(Router& router, const Control& control);

/// What the fleet says of proxies that came by certificate. The loop's thread.
std::vector<identity::Heard> heardOf(const fleet::Fleet& fleet);

}  // namespace loam::api
