#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace loam {

/// A time of RFC 3339 in UTC, to the second: "2026-12-01T12:00:00Z". Nothing for any other form.
std::optional<std::int64_t> parseUtc(std::string_view text);

/// The text that parseUtc reads back, for years 0 to 9999.
std::string utcText(std::int64_t unixSeconds);

}  // namespace loam
