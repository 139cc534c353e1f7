#include "proxy/base/json.h"
#include "shadow/graph/export_text.h"
#include "shadow/graph/exports.h"
#include "shadow/graph/json_view.h"

namespace loam::graph {

/// The header is the first line, {"header": ...}; then one edge a line.
std::string exportNdjson(const Graph& graph) {
  Json::Value header(Json::objectValue);
  header["header"] = toJson(graph.header);
  std::string out = writeJson(header) + "\n";
  for (const Edge& edge : graph.edges) out += writeJson(toJson(edge, graph.header.window)) + "\n";
  return safeInScript(std::move(out));
}

}  // namespace loam::graph
