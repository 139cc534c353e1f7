#include "proxy/base/json.h"
#include "shadow/graph/export_text.h"
#include "shadow/graph/exports.h"
#include "shadow/graph/json_view.h"

namespace loam::graph {

std::string exportJson(const Graph& graph) { return safeInScript(writeJsonPretty(toJson(graph))); }

}  // namespace loam::graph
