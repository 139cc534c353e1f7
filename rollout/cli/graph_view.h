#pragma once

#include <json/value.h>

#include "rollout/cli/session.h"
#include "rollout/cli/table.h"

namespace loam::cli {

/// The two lines above a graph: window, revision, resolution; coverage, captured share, what was cut and lost.
void printHeader(const Session& session, const Json::Value& header);

/// Edges as the API gives them.
Table edgeTable(const Json::Value& edges, bool wide);
/// Routes of edges, under a heading; nothing where there are none.
void printRoutes(const Session& session, const Json::Value& edges);
/// "frontend -> checkout http1/80".
std::string edgeName(const Json::Value& edge);

/// "1.2k/s", "-" ...: cells of what the API's edges, routes and sides share.
std::string errorCell(const Json::Value& counts);
std::string millisecondsCell(const Json::Value& counts, const char* quantile);
/// "mutual", "90.0% mutual, not_chosen", "plaintext, no_proxy", "local", "-" of an edge.
std::string securityCell(const Json::Value& edge);

}  // namespace loam::cli
