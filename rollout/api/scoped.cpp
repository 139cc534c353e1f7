#include "rollout/api/scoped.h"

#include "rollout/api/control.h"
#include "rollout/api/problem.h"

namespace loam::api {

std::optional<http::Response> refuseOutside(const Caller& caller, const std::vector<flags::Cell>& cells) {
  if (!caller.scope) return std::nullopt;
  Json::Value outside(Json::arrayValue);
  std::string names;
  for (const flags::Cell& cell : cells) {
    if (caller.scope->covers(cell.service, cell.feature)) continue;
    Json::Value one(Json::objectValue);
    one["service"] = cell.service;
    one["feature"] = cell.feature;
    outside.append(std::move(one));
    names.append(names.empty() ? "" : ", ").append(cell.service.empty() ? "every service" : cell.service);
    names.append("/").append(cell.feature.empty() ? "every feature" : cell.feature);
  }
  if (outside.empty()) return std::nullopt;
  http::Response refused = problem(403, "out_of_scope", "the token of " + caller.who + " may not change " + names);
  return withMember(std::move(refused), "cells", std::move(outside));
}

}  // namespace loam::api
