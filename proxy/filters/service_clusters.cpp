#include "proxy/filters/service_clusters.h"

#include <random>

namespace loam::filters {

ServiceClusters::ServiceClusters(const std::string& service, const upstream::ClusterTerms& terms,
                                 const std::vector<SocketAddress>& endpoints, upstream::EndpointStates& states,
                                 Monotonic now) {
  upstream::Dice dice(std::random_device{}());
  std::map<std::uint16_t, std::vector<upstream::Endpoint>> byPort;
  for (const SocketAddress& endpoint : endpoints) {
    if (endpoint.port != 0) byPort[endpoint.port].push_back({.address = endpoint});
  }
  for (auto& [port, all] : byPort) {
    byPort_[port] = std::make_unique<const upstream::Cluster>(service, terms, std::move(all), states, dice, now);
  }
}

const upstream::Cluster* ServiceClusters::at(std::uint16_t port) const {
  const auto found = byPort_.find(port);
  return found == byPort_.end() ? nullptr : found->second.get();
}

const upstream::Cluster* ServiceClusters::nearest(std::uint16_t port) const {
  const upstream::Cluster* same = at(port);
  return same == nullptr && byPort_.size() == 1 ? byPort_.begin()->second.get() : same;
}

}  // namespace loam::filters
