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

using Addresses = std::vector<IpAddress>;

/// Where each node calls from, as another host sees it. Loopback and link-local addresses mean another host for each
/// proxy, and a network of unknown peers is nobody by name.
std::map<std::string, Addresses> clientAddresses(const graph::Graph& graph) {
  std::map<std::string, Addresses> all;
  for (const graph::Node& node : graph.nodes) {
    if (node.kind == "aggregate") continue;
    Addresses addresses;
    for (const std::string& text : node.addresses) {
      const auto address = IpAddress::parse(text);
      if (address && !address->isLoopback() && !address->isLinkLocal() && !address->isUnspecified())
        addresses.push_back(*address);
    }
    if (addresses.empty()) continue;
    std::sort(addresses.begin(), addresses.end());
    all.emplace(node.name, std::move(addresses));
  }
  return all;
}

/// By callee, then by caller.
std::map<std::string, std::set<std::string>> callersOf(const graph::Graph& graph) {
  std::map<std::string, std::set<std::string>> callers;
  for (const graph::Edge& edge : graph.edges) callers[edge.target].insert(edge.source);
  return callers;
}

void addCallers(const graph::Graph& graph, Topology& topology) {
  const auto addresses = clientAddresses(graph);
  for (const auto& [target, sources] : callersOf(graph)) {
    const auto place = topology.services.find(target);
    if (place == topology.services.end()) continue;
    std::vector<wire::Caller>& callers = place->second.callers;
    for (const std::string& source : sources) {
      const auto from = addresses.find(source);
      if (from != addresses.end() && callers.size() < Place::kMostCallers) callers.push_back({source, from->second});
    }
  }
}

}  // namespace

std::vector<std::string> Place::callerNames() const {
  std::vector<std::string> names;
  for (const wire::Caller& caller : callers) names.push_back(caller.name);
  return names;
}

std::vector<std::string> Place::proxies() const {
  std::set<std::string> all;
  for (const graph::Instance& instance : instances) {
    if (instance.proxies.empty()) return {};
    all.insert(instance.proxies.begin(), instance.proxies.end());
  }
  return {all.begin(), all.end()};
}

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
    place.instances = node.instances;
    topology.services.emplace(node.name, std::move(place));
  }
  addCallers(graph, topology);
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
