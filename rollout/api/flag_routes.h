#pragma once

#include "rollout/api/control.h"
#include "rollout/api/router.h"

namespace loam::api {

/// /v1/features, /v1/flags, /v1/services/{service}/features/{feature}, /v1/freezes and /v1/kill.
void addFlagRoutes(Router& router, const Control& control);

/// What is changed member by member under the revision that was seen: PATCH of a flag and of a service's settings.
void addPatchRoutes(Router& router, const Control& control);

/// What is wanted of the whole mesh as one document: /v1/export and /v1/import.
void addStateRoutes(Router& router, const Control& control);

/// /v1/controller, how it is with the controller itself, and /v1/backup.
void addControllerRoutes(Router& router, const Control& control);

/// /v1/changes and what is done with one.
void addChangeRoutes(Router& router, const Control& control);

/// /v1/services/{service}/readiness: who would be hurt by a stage.
void addReadinessRoutes(Router& router, const Control& control);

/// /v1/explain: why a connection is refused, and was.
void addExplainRoutes(Router& router, const Control& control);

/// /v1/services/{name}/refusals: what its features refused its callers, or would have.
void addRefusalRoutes(Router& router, const Control& control);

/// /v1/audit.
void addAuditRoutes(Router& router, const Control& control);

}  // namespace loam::api
