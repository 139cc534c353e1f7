#pragma once

#include <json/value.h>

#include <string>
#include <string_view>

#include "proxy/base/result.h"
#include "rollout/access/role.h"

namespace loam::access {

/// A person. There are no passwords: who somebody is, a token proves, or the kernel of the controller's own host.
struct User {
  std::string name;  ///< see checkName
  Role role = Role::Viewer;
  bool disabled = false;  ///< none of his tokens is worth anything

  bool operator==(const User&) const = default;
};

constexpr std::string_view kUserKind = "user";
Json::Value toJson(const User& user);
/// The name is the document's key.
Result<User> userFromJson(std::string name, const Json::Value& body);

/// Whether a user or a token may be called that: 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or a digit;
/// not "controller", "local" or "nobody", which the audit log says of others.
Status checkName(std::string_view name);

}  // namespace loam::access
