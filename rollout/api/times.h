#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/base/result.h"

namespace loam::api {

/// A time in unix seconds, of what people and programs write: "1763845510", "2026-11-22T20:55:10Z" (RFC 3339, any
/// offset, fractions cut), "now", "-15m", "+2h", "now-2h" (s, m, h, d, w). InvalidArgument names these forms.
Result<std::int64_t> parseTime(std::string_view text, std::int64_t now);

/// A length in seconds: "90s", "15m", "2h", "7d", "1w", or "90".
Result<std::int64_t> parseLength(std::string_view text);

}  // namespace loam::api
