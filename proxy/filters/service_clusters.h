#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/upstream/cluster.h"

namespace loam::filters {

/// The endpoints of one service, port by port: what listens on another port is another server. Made with the snapshot
/// and immutable. Any thread.
class ServiceClusters {
 public:
  /// Endpoints that have no port of their own are left out: nobody knows where they listen.
  ServiceClusters(const std::string& service, const upstream::ClusterTerms& terms,
                  const std::vector<SocketAddress>& endpoints, upstream::EndpointStates& states, Monotonic now);

  /// Null: none listens there.
  const upstream::Cluster* at(std::uint16_t port) const;
  /// The same; where the service has one port only, that.
  const upstream::Cluster* nearest(std::uint16_t port) const;

 private:
  std::map<std::uint16_t, std::unique_ptr<const upstream::Cluster>> byPort_;
};

/// Those of every service of a snapshot that somebody chooses among, by name.
using ClusterMap = std::map<std::string, std::shared_ptr<const ServiceClusters>, std::less<>>;

}  // namespace loam::filters
