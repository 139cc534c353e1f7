#pragma once

#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace loam::identity {

/// `prefix` and 43 letters of base64url: 256 random bits, so that a plain hash gives nothing of them away. Io when the
/// kernel gives none. Any thread.
Result<std::string> drawSecret(std::string_view prefix);

/// Whether both are the same, in a time that says nothing about where they differ.
bool sameSecret(std::string_view a, std::string_view b);

}  // namespace loam::identity
