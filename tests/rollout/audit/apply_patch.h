#pragma once

#include <json/value.h>

#include <optional>
#include <string>
#include <vector>

#include "proxy/base/json.h"

namespace loam::audit {

/// The members that a JSON pointer (RFC 6901) leads through.
inline std::vector<std::string> stepsOf(const std::string& pointer) {
  std::vector<std::string> steps;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      steps.emplace_back();
    } else if (pointer[i] == '~') {
      steps.back().push_back(pointer[++i] == '0' ? '~' : '/');
    } else {
      steps.back().push_back(pointer[i]);
    }
  }
  return steps;
}

/// Applies a patch of RFC 6902, as another program would; of it, what stands in objects. Null stands for no document.
/// Nothing when a step does not fit.
inline std::optional<Json::Value> applyPatch(Json::Value document, const Json::Value& patch) {
  for (const Json::Value& step : patch) {
    const auto steps = stepsOf(step["path"].asString());
    const std::string operation = step["op"].asString();
    Json::Value* at = &document;
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
      if (!at->isObject() || !at->isMember(steps[i])) return std::nullopt;
      at = &(*at)[steps[i]];
    }
    const bool there = steps.empty() ? !document.isNull() : at->isObject() && at->isMember(steps.back());
    if (there == (operation == "add")) return std::nullopt;
    if (operation == "remove") {
      if (steps.empty()) document = Json::Value();
      if (!steps.empty()) at->removeMember(steps.back());
      continue;
    }
    Json::Value& target = steps.empty() ? document : (*at)[steps.back()];
    if (operation == "test" && writeJson(target) != writeJson(step["value"])) return std::nullopt;
    if (operation == "add" || operation == "replace") target = step["value"];
  }
  return document;
}

}  // namespace loam::audit
