#include "rollout/notify/retry.h"

#include <algorithm>
#include <charconv>

#include "proxy/http/date.h"

namespace loam::notify {

Verdict verdictOf(int status) {
  if (status >= 200 && status < 300) return Verdict::Taken;
  if (status == 429 || (status >= 502 && status <= 504)) return Verdict::Away;
  if (status >= 400 && status < 500 && status != 408 && status != 425) return Verdict::Refused;
  return Verdict::Later;
}

milliseconds backOff(unsigned tries, std::uint64_t random) {
  constexpr unsigned kMostDoublings = 20;  // beyond the longest already
  constexpr std::int64_t kParts = 1000;
  const unsigned doublings = std::min(std::max(tries, 1U) - 1, kMostDoublings);
  const milliseconds whole = std::min<milliseconds>(milliseconds(kFirstWait) * (1U << doublings), kLongestWait);
  const std::int64_t half = whole.count() / 2;
  const auto part = static_cast<std::int64_t>(random % static_cast<std::uint64_t>(kParts));
  return milliseconds(half + half * part / (kParts - 1));
}

std::optional<milliseconds> retryAfterOf(std::string_view value, Wall now) {
  if (value.empty()) return std::nullopt;
  std::uint64_t whole = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), whole);
  const auto longest = static_cast<std::uint64_t>(kLongestWait.count());
  if (error == std::errc() && end == value.data() + value.size()) return seconds(std::min(whole, longest));
  const auto date = http::parseDate(value);
  if (!date) return std::nullopt;
  return seconds(std::clamp<std::int64_t>(*date - unixSeconds(now), 0, kLongestWait.count()));
}

}  // namespace loam::notify
