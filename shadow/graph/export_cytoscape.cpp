#include "proxy/base/json.h"
#include "shadow/graph/assemble.h"
#include "shadow/graph/export_text.h"
#include "shadow/graph/exports.h"
#include "shadow/graph/json_view.h"

namespace loam::graph {

/// {"elements": {"nodes": [{"data": ...}], "edges": [...]}, "data": header}: source and target are node ids.
std::string exportCytoscape(const Graph& graph) {
  Json::Value out(Json::objectValue);
  out["data"] = toJson(graph.header);
  out["elements"]["nodes"] = Json::Value(Json::arrayValue);
  out["elements"]["edges"] = Json::Value(Json::arrayValue);
  for (const Node& node : graph.nodes) {
    Json::Value entry(Json::objectValue);
    entry["data"] = toJson(node);
    out["elements"]["nodes"].append(std::move(entry));
  }
  for (const Edge& edge : graph.edges) {
    Json::Value entry(Json::objectValue);
    entry["data"] = toJson(edge, graph.header.window);
    entry["data"]["source"] = stableId({"node", edge.source});
    entry["data"]["target"] = stableId({"node", edge.target});
    entry["data"]["label"] = edgeLabel(edge, graph.header.window);
    out["elements"]["edges"].append(std::move(entry));
  }
  return safeInScript(writeJsonPretty(out));
}

}  // namespace loam::graph
