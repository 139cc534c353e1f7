#pragma once

#include "rollout/api/background.h"
#include "rollout/api/router.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// Adds what writes the record: POST /v1/reports and PUT /v1/nodes/{node}/name. Writes run on `writer`, one after the
/// other; everything outlives the router.
void addReportRoutes(Router& router, record::Recorder& recorder, Background& writer);

}  // namespace loam::api
