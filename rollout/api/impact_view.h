#pragma once

#include <json/value.h>

#include "rollout/features/impact.h"
#include "shadow/graph/model.h"

namespace loam::api {

/// The form in which people and programs see an impact: verdict, totals, rows, verdicts, unknown, proposals, notes.
Json::Value view(const features::Impact& impact);

/// How much there was to answer from: since, until, and observed, the share of the window that the proxy with the best
/// coverage reported on. Without the times where no proxy ever reported.
Json::Value recordView(const graph::Header& header);

}  // namespace loam::api
