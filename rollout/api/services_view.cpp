#include "rollout/api/services_view.h"

#include <map>
#include <string>

#include "shadow/graph/focus.h"
#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

/// All edges of a node in one direction taken together.
struct Side {
  std::uint64_t edges = 0;
  wire::Counts counts;

  void add(const graph::Edge& edge) {
    ++edges;
    counts.merge(edge.counts);
  }
};

Json::Value toJson(const Side& side, const graph::Window& window) {
  constexpr double kMillisecond = 1000;
  const std::uint64_t units = side.counts.requests > 0 ? side.counts.requests : side.counts.connections;
  const auto seconds = static_cast<double>(window.to - window.from);
  Json::Value value(Json::objectValue);
  value["edges"] = Json::UInt64(side.edges);
  value["connections"] = Json::UInt64(side.counts.connections);
  value["requests"] = Json::UInt64(side.counts.requests);
  value["errors"] = Json::UInt64(side.counts.errors);
  value["rate"] = seconds > 0 ? static_cast<double>(units) / seconds : 0.0;
  value["p50_ms"] = side.counts.latency.quantile(0.5) / kMillisecond;
  value["p99_ms"] = side.counts.latency.quantile(0.99) / kMillisecond;
  return value;
}

Json::Value serviceOf(const graph::Node& node, const Side& inbound, const Side& outbound, const graph::Window& window) {
  Json::Value value = graph::toJson(node);
  value["inbound"] = toJson(inbound, window);
  value["outbound"] = toJson(outbound, window);
  return value;
}

}  // namespace

Json::Value servicesJson(const graph::Graph& graph) {
  std::map<std::string_view, Side> inbound;
  std::map<std::string_view, Side> outbound;
  for (const graph::Edge& edge : graph.edges) {
    inbound[edge.target].add(edge);
    outbound[edge.source].add(edge);
  }
  Json::Value out(Json::objectValue);
  out["header"] = graph::toJson(graph.header);
  out["services"] = Json::Value(Json::arrayValue);
  for (const graph::Node& node : graph.nodes) {
    out["services"].append(serviceOf(node, inbound[node.name], outbound[node.name], graph.header.window));
  }
  return out;
}

std::optional<Json::Value> serviceJson(const graph::Graph& graph, std::string_view nameOrId) {
  const graph::Node* node = graph::find(graph, nameOrId);
  if (node == nullptr) return std::nullopt;
  Side inbound;
  Side outbound;
  Json::Value out(Json::objectValue);
  out["header"] = graph::toJson(graph.header);
  out["callers"] = Json::Value(Json::arrayValue);
  out["callees"] = Json::Value(Json::arrayValue);
  for (const graph::Edge& edge : graph.edges) {
    if (edge.target == node->name) {
      inbound.add(edge);
      out["callers"].append(graph::toJson(edge, graph.header.window));
    }
    if (edge.source == node->name) {
      outbound.add(edge);
      out["callees"].append(graph::toJson(edge, graph.header.window));
    }
  }
  out["service"] = serviceOf(*node, inbound, outbound, graph.header.window);
  return out;
}

}  // namespace loam::api
