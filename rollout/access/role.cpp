#include "rollout/access/role.h"

#include <algorithm>

namespace loam::access {

const std::vector<std::string_view>& roleNames() {
  static const std::vector<std::string_view> kNames = {"viewer", "operator", "admin"};
  return kNames;
}

std::string_view name(Role role) { return roleNames()[static_cast<std::size_t>(role)]; }

std::optional<Role> parseRole(std::string_view text) {
  const auto& names = roleNames();
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Role>(found - names.begin());
}

}  // namespace loam::access
