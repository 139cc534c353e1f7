#pragma once

#include "rollout/api/background.h"
#include "rollout/api/router.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// Takes a report into the record; on the record's writer. `proxy`: whose it has to be, 403 for another's (E13); empty:
/// anybody's.
http::Response takeReport(record::Recorder& recorder, const std::string& body, const std::string& proxy);

/// Adds POST /v1/reports. Writes run on `writer`, one after the other; everything outlives the router.
void addReportRoutes(Router& router, record::Recorder& recorder, Background& writer);

}  // namespace loam::api
