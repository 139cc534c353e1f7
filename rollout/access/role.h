#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace loam::access {

/// What somebody may do at the controller: read, change flags and services, say who may do what. Each holds all that
/// is before it.
enum class Role : std::uint8_t { Viewer, Operator, Admin };

/// "viewer", ...: in documents, the API and files.
std::string_view name(Role role);
std::optional<Role> parseRole(std::string_view text);
/// All of them, for messages that list what is expected.
const std::vector<std::string_view>& roleNames();

}  // namespace loam::access
