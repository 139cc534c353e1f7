#pragma once

#include <json/value.h>

#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/result.h"

namespace loam::access {

/// What a token may change: these services, and of them these features; all where a list is empty. What it may read is
/// its role's alone.
struct Scope {
  std::vector<std::string> services;  ///< sorted
  std::vector<std::string> features;  ///< sorted

  bool operator==(const Scope&) const = default;
  /// Whether it bounds nothing.
  bool isWhole() const { return services.empty() && features.empty(); }
  /// Whether it holds all that is meant; an empty name means every service, or every feature.
  bool covers(std::string_view service, std::string_view feature) const;
};

/// {"services": [...], "features": [...]}, both always there.
Json::Value toJson(const Scope& scope);
Result<Scope> scopeFromJson(const Json::Value& body);

}  // namespace loam::access
