#pragma once

#include <span>
#include <string>
#include <string_view>

#include "shadow/graph/model.h"

namespace loam::graph {

/// One form in which a graph leaves: its name on the command line and in the API, and how to write it. The same graph
/// gives the same bytes; names are escaped by the rules of the form.
struct Export {
  std::string_view name;
  std::string_view contentType;
  std::string (*write)(const Graph& graph);
};

/// json, dot, mermaid, graphml, cytoscape, csv, ndjson, openmetrics.
std::span<const Export> exports();

/// Fails with the list of names.
Result<const Export*> findExport(std::string_view name);

std::string exportJson(const Graph& graph);
std::string exportDot(const Graph& graph);
std::string exportMermaid(const Graph& graph);
std::string exportGraphml(const Graph& graph);
std::string exportCytoscape(const Graph& graph);
std::string exportCsv(const Graph& graph);
std::string exportNdjson(const Graph& graph);
std::string exportOpenMetrics(const Graph& graph);

}  // namespace loam::graph
