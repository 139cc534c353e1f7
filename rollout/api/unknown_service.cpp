#include "rollout/api/unknown_service.h"

#include <vector>

#include "proxy/base/nearest.h"
#include "rollout/api/problem.h"

namespace loam::api {

http::Response unknownService(const record::Recorder& recorder, graph::Window window, const std::string& wanted,
                              const Error& error) {
  if (error.code != ErrorCode::NotFound) return problem(error);
  record::GraphQuery query;
  query.window = window;
  query.routes = false;
  std::vector<std::string> names;
  if (const auto whole = recorder.graph(query)) {
    for (const graph::Node& node : whole->nodes) names.push_back(node.name);
  }
  return problem(error, nearest(wanted, names));
}

}  // namespace loam::api
