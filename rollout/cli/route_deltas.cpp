#include "rollout/cli/route_deltas.h"

#include "rollout/cli/graph_view.h"
#include "rollout/cli/text.h"

namespace loam::cli {

std::string RouteDelta::line() const {
  std::string text = edge + "  ";
  if (route.empty()) return text + "+" + std::to_string(count) + " connections";
  text.append(route).append("  +").append(std::to_string(count)).append("  ");
  text.append(std::to_string(errors)).append(errors == 1 ? " error" : " errors");
  return text.append("  p50 ").append(millisecondsText(p50Ms));
}

void RouteDeltas::take(RouteDelta now, std::vector<RouteDelta>& out) {
  Seen& before = seen_[now.edge + "\n" + now.route];
  const Seen current{now.count, now.errors};
  if (current.count > before.count) {
    now.count -= before.count;
    now.errors -= std::min(before.errors, now.errors);
    out.push_back(std::move(now));
  }
  before = current;
}

std::vector<RouteDelta> RouteDeltas::take(const Json::Value& edges) {
  std::vector<RouteDelta> out;
  for (const Json::Value& edge : edges) {
    const std::string name = edgeName(edge);
    for (const Json::Value& route : edge["routes"]) {
      take({name, route["route"].asString(), route["requests"].asUInt64(), route["errors"].asUInt64(),
            route["p50_ms"].asDouble()},
           out);
    }
    if (!edge["routes"].empty()) continue;
    if (edge["requests"].asUInt64() != 0) {
      take({name, "requests", edge["requests"].asUInt64(), edge["errors"].asUInt64(), edge["p50_ms"].asDouble()}, out);
    } else {
      take({name, "", edge["connections"].asUInt64(), 0, 0}, out);
    }
  }
  return out;
}

}  // namespace loam::cli
