#include "rollout/fleet/traffic.h"

#include <algorithm>

namespace loam::fleet {

Traffic trafficOf(const graph::Graph& graph) {
  Traffic traffic;
  const graph::Window& window = graph.header.window;
  std::int64_t begin = window.to;
  for (const graph::Coverage& proxy : graph.header.coverage) begin = std::min(begin, proxy.firstReport);
  traffic.seconds = std::max<std::int64_t>(window.to - std::max(begin, window.from), 0);
  traffic.edges = graph.edges.size();
  for (const graph::Edge& edge : graph.edges) {
    traffic.calls[edge.target].push_back(
        {edge.source, edge.protocol, edge.port, edge.counts.connections, edge.counts.requests});
  }
  for (auto& [service, calls] : traffic.calls) {
    std::stable_sort(calls.begin(), calls.end(),
                     [](const EdgeTraffic& a, const EdgeTraffic& b) { return a.connections > b.connections; });
  }
  return traffic;
}

}  // namespace loam::fleet
