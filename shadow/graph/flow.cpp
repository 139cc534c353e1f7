#include "shadow/graph/flow.h"

#include <algorithm>

namespace loam::graph {

void addRoute(std::vector<wire::RouteCounts>& routes, const std::string& route, const wire::Counts& counts) {
  auto at = std::lower_bound(routes.begin(), routes.end(), route,
                             [](const wire::RouteCounts& entry, const std::string& wanted) { return entry.route < wanted; });
  if (at == routes.end() || at->route != route) at = routes.insert(at, {route, {}});
  at->counts.merge(counts);
}

}  // namespace loam::graph
