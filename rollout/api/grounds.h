#pragma once

#include "rollout/api/control.h"
#include "rollout/changes/change.h"

namespace loam::api {

/// All that the record knows around a service; an empty graph where it knows no such service. Any thread; it takes as
/// long as a query of the whole record.
Result<graph::Graph> recordAround(const Control& control, const std::string& service);

/// What rises of flags stand on: the fleet as it was seen, the record as it is when it is asked. The control outlives
/// it.
changes::Grounds groundsOf(const Control& control, fleet::Sight sight);

}  // namespace loam::api
