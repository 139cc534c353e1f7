#pragma once

#include "rollout/api/control.h"
#include "rollout/api/router.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// /v1/services/{service}/impact/{feature}: what a stage would have done to a window of the record. The recorder and
/// what the control points to outlive the router.
void addImpactRoutes(Router& router, const record::Recorder& recorder, const Control& control);

}  // namespace loam::api
