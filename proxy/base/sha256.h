#pragma once

#include <string>
#include <string_view>

namespace loam {

/// SHA-256 in lower-case hex, 64 characters.
std::string sha256Hex(std::string_view bytes);

}  // namespace loam
