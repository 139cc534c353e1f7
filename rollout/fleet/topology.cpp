#include "rollout/fleet/topology.h"

#include <algorithm>

namespace loam::fleet {

namespace {

/// The greatest power of ten up to `count`: what is told of a number that grows all the time, so that it is news now
/// and then only.
std::uint64_t magnitudeOf(std::uint64_t count) {
  constexpr std::uint64_t kStep = 10;
  std::uint64_t power = 1;
  while (count / kStep >= power) power *= kStep;
  return power;
}

}  // namespace

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
  std::map<std::string, std::uint64_t> most;  // connections behind each pin
  for (const graph::Edge& edge : graph.edges) {
    const auto place = topology.services.find(edge.target);
    if (place == topology.services.end()) continue;
    for (const std::string& proxy : edge.proxies) topology.carried[proxy].insert(edge.target);
    const std::uint64_t samples = edge.counts.connections;
    const bool known = edge.protocol != "tcp" && edge.protocol != "unknown";
    if (!known || samples <= most[edge.target]) continue;
    most[edge.target] = samples;
    place->second.pin = wire::ProtocolPin{edge.protocol, magnitudeOf(samples)};
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
