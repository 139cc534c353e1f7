#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace loam::flags {

/// Thousandths of a percent, so that 0.1 % is a whole number: 0 to kWhole.
using Share = std::int32_t;
constexpr Share kWhole = 100'000;

/// "10", "0.5", "33.333"; without the sign.
std::string shareText(Share share);
/// "10", "0.5" or "10%"; at most three decimals, 0 to 100.
Result<Share> parseShare(std::string_view text);

}  // namespace loam::flags
