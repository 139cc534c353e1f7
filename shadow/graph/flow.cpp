#include "shadow/graph/flow.h"

#include <algorithm>

namespace loam::graph {

void addRoute(std::vector<wire::RouteCounts>& routes, const std::string& route, const wire::Counts& counts) {
  auto at =
      std::lower_bound(routes.begin(), routes.end(), route,
                       [](const wire::RouteCounts& entry, const std::string& wanted) { return entry.route < wanted; });
  if (at == routes.end() || at->route != route) at = routes.insert(at, {route, {}});
  at->counts.merge(counts);
}

void Tally::merge(const Tally& other) {
  counts.merge(other.counts);
  for (const wire::RouteCounts& route : other.routes) addRoute(routes, route.route, route.counts);
}

std::string scopeOf(const IpAddress& client, const IpAddress& server, const std::string& proxy) {
  const bool local = client.isLoopback() || client.isLinkLocal() || server.isLoopback() || server.isLinkLocal();
  return local ? proxy : std::string();
}

}  // namespace loam::graph
