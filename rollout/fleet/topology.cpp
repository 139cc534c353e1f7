#include "rollout/fleet/topology.h"

#include <algorithm>

namespace loam::fleet {

Topology topologyOf(const graph::Graph& graph) {
  Topology topology;
  for (const graph::Node& node : graph.nodes) {
    if (node.kind == "aggregate") continue;
    Place place;
    for (const std::string& text : node.addresses) {
      if (const auto address = SocketAddress::parse(text)) place.endpoints.push_back(*address);
    }
    if (place.endpoints.empty()) continue;  // it only calls
    std::sort(place.endpoints.begin(), place.endpoints.end());
    topology.services.emplace(node.name, std::move(place));
  }
  for (const graph::Edge& edge : graph.edges) {
    const auto place = topology.services.find(edge.target);
    if (place == topology.services.end()) continue;
    for (const std::string& proxy : edge.proxies) topology.carried[proxy].insert(edge.target);
    const std::uint64_t samples = edge.counts.connections;
    std::optional<wire::ProtocolPin>& pin = place->second.pin;
    if (samples != 0 && edge.protocol != "tcp" && edge.protocol != "unknown" && (!pin || pin->samples < samples)) {
      pin = wire::ProtocolPin{edge.protocol, samples};
    }
  }
  return topology;
}

std::optional<std::string> Topology::serviceAt(const SocketAddress& address) const {
  for (const auto& [name, place] : services) {
    if (std::binary_search(place.endpoints.begin(), place.endpoints.end(), address)) return name;
  }
  return std::nullopt;
}

}  // namespace loam::fleet
