#include "shadow/graph/exports.h"

#include <algorithm>
#include <array>

namespace loam::graph {

std::span<const Export> exports() {
  static constexpr std::array<Export, 8> kExports{{
      {"json", "application/json", &exportJson},
      {"dot", "text/vnd.graphviz; charset=utf-8", &exportDot},
      {"mermaid", "text/vnd.mermaid; charset=utf-8", &exportMermaid},
      {"graphml", "application/graphml+xml; charset=utf-8", &exportGraphml},
      {"cytoscape", "application/json", &exportCytoscape},
      {"csv", "text/csv; charset=utf-8; header=present", &exportCsv},
      {"ndjson", "application/x-ndjson", &exportNdjson},
      {"openmetrics", "application/openmetrics-text; version=1.0.0; charset=utf-8", &exportOpenMetrics},
  }};
  return kExports;
}

Result<const Export*> findExport(std::string_view name) {
  const auto all = exports();
  const auto at = std::find_if(all.begin(), all.end(), [&](const Export& one) { return one.name == name; });
  if (at != all.end()) return &*at;
  std::string names;
  for (const Export& one : all) names += (names.empty() ? "" : ", ") + std::string(one.name);
  return fail(ErrorCode::InvalidArgument, "format: expected one of " + names);
}

}  // namespace loam::graph
