#include "rollout/access/scope.h"

#include <algorithm>
#include <utility>

namespace loam::access {

namespace {

bool holds(const std::vector<std::string>& list, std::string_view name) {
  return list.empty() || (!name.empty() && std::find(list.begin(), list.end(), name) != list.end());
}

}  // namespace

bool Scope::covers(std::string_view service, std::string_view feature) const {
  return holds(services, service) && holds(features, feature);
}

Json::Value toJson(const Scope& scope) {
  Json::Value body(Json::objectValue);
  for (const auto& [key, list] : {std::pair("services", &scope.services), std::pair("features", &scope.features)}) {
    body[key] = Json::Value(Json::arrayValue);
    for (const std::string& one : *list) body[key].append(one);
  }
  return body;
}

Result<Scope> scopeFromJson(const Json::Value& body) {
  Scope scope;
  for (const auto& [key, list] : {std::pair("services", &scope.services), std::pair("features", &scope.features)}) {
    // What cannot be read must not become "all".
    if (!body.isObject() || !body[key].isArray()) {
      return fail(ErrorCode::InvalidArgument, std::string(key) + ": expected a list");
    }
    for (const Json::Value& one : body[key]) {
      if (!one.isString()) return fail(ErrorCode::InvalidArgument, std::string(key) + ": expected texts");
      list->push_back(one.asString());
    }
    std::sort(list->begin(), list->end());
  }
  return scope;
}

}  // namespace loam::access
