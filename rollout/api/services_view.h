#pragma once

#include <json/value.h>

#include <optional>
#include <string_view>

#include "shadow/graph/model.h"

namespace loam::api {

/// Every node with what it serves and what it calls: {"header", "services"}, by name.
Json::Value servicesJson(const graph::Graph& graph);
/// One of them with its edges: {"header", "service", "callers", "callees"}; nothing when no node has this name, id or
/// address.
std::optional<Json::Value> serviceJson(const graph::Graph& graph, std::string_view nameOrId);

}  // namespace loam::api
