#pragma once

#include "rollout/api/control.h"
#include "rollout/api/router.h"

namespace loam::api {

/// /v1/features, /v1/flags, /v1/services/{service}/features/{feature}, /v1/freezes and /v1/kill.
void addFlagRoutes(Router& router, const Control& control);

/// /v1/changes and what is done with one.
void addChangeRoutes(Router& router, const Control& control);

/// /v1/audit.
void addAuditRoutes(Router& router, const Control& control);

}  // namespace loam::api
