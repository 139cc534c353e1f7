#pragma once

#include <json/value.h>

#include "rollout/cli/session.h"

namespace loam::cli {

/// Whom an edit of a flag concerns: who switches, the callers, the proxies that carry it. Indented below the flag.
void printReach(const Session& session, const Json::Value& reach);

}  // namespace loam::cli
