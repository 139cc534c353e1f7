#include "rollout/access/user.h"

#include <algorithm>
#include <utility>

#include "proxy/base/json.h"

namespace loam::access {

namespace {

bool isLetterOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

Json::Value toJson(const User& user) {
  Json::Value body(Json::objectValue);
  body["role"] = std::string(name(user.role));
  body["disabled"] = user.disabled;
  return body;
}

Result<User> userFromJson(std::string name, const Json::Value& body) {
  const auto role = readString(body, "role");
  if (!role) return fail(role.error());
  const auto known = parseRole(*role);
  if (!known) return fail(ErrorCode::InvalidArgument, "role: there is no \"" + *role + "\"");
  const auto disabled = readBool(body, "disabled");
  if (!disabled) return fail(disabled.error());
  return User{std::move(name), *known, *disabled};
}

Status checkName(std::string_view name) {
  constexpr std::size_t kMost = 64;
  const bool formed = !name.empty() && name.size() <= kMost && isLetterOrDigit(name.front()) &&
                      std::all_of(name.begin(), name.end(),
                                  [](char c) { return isLetterOrDigit(c) || c == '.' || c == '_' || c == '-'; });
  if (!formed) {
    return fail(ErrorCode::InvalidArgument,
                "expected 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit");
  }
  if (name == "controller" || name == "local" || name == "nobody") {
    return fail(ErrorCode::InvalidArgument, "\"" + std::string(name) + "\" means somebody else in the audit log");
  }
  return {};
}

}  // namespace loam::access
