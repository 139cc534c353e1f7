#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/base/clock.h"

namespace loam::http {

/// "Wed, 21 Oct 2026 07:28:00 GMT": a time as headers have it, to the second.
std::string dateText(Wall time);

/// Unix seconds of the one form of dates that programs send; nothing for any other.
std::optional<std::int64_t> parseDate(std::string_view text);

}  // namespace loam::http
