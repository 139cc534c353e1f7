#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/base/clock.h"

namespace loam::notify {

constexpr seconds kFirstWait{1};
constexpr seconds kLongestWait{300};
constexpr std::chrono::hours kTryFor{24};
constexpr seconds kAttempt{10};  ///< resolving, connecting, shaking hands and the answer

/// What an answer means for what was sent.
enum class Verdict : std::uint8_t {
  Taken,
  Refused,  ///< 4xx: it would be refused again
  Later,    ///< this one is tried again
  Away      ///< nobody takes anything there just now: all wait
};
/// 408, 425, 429 and whatever is no 2xx or 4xx, redirects among them, is tried again.
Verdict verdictOf(int status);

/// How long to wait after so many tries (from 1): doubled each time up to kLongestWait, and of that a random part
/// between a half and all, so that many do not come back at one instant.
milliseconds backOff(unsigned tries, std::uint64_t random);

/// A Retry-After header: whole seconds, or a date; nothing for another form. At most kLongestWait.
std::optional<milliseconds> retryAfterOf(std::string_view value, Wall now);

}  // namespace loam::notify
