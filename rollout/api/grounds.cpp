#include "rollout/api/grounds.h"

#include <utility>

#include "rollout/fleet/ground.h"
#include "shadow/record/recorder.h"

namespace loam::api {

Result<graph::Graph> recordAround(const Control& control, const std::string& service) {
  if (control.record == nullptr) return graph::Graph{};
  record::GraphQuery query;
  query.window = {0, unixSeconds(control.clock.wall()) + record::kMostAhead};
  query.routes = false;
  query.filter.focus = service;
  auto graph = control.record->graph(query);
  if (!graph && graph.error().code == ErrorCode::NotFound) return graph::Graph{};
  return graph;
}

changes::Grounds groundsOf(const Control& control, fleet::Sight sight) {
  return [control, sight = std::move(sight)](const flags::Flag& before) {
    const auto record = recordAround(control, before.cell.service);
    const std::int64_t now = unixSeconds(control.clock.wall());
    if (record) return fleet::groundOf(before, sight, *record, now);
    // Without the record there is nothing that a rise could stand on.
    features::Ground ground;
    ground.now = now;
    ground.missing.push_back("the record cannot be read: " + record.error().context);
    return ground;
  };
}

}  // namespace loam::api
