#include "proxy/server/clock_skew.h"

#include <cstdlib>
#include <string>
#include <utility>

#include "proxy/http/date.h"
#include "proxy/wire/watch.h"

namespace loam::server {

void ClockSkew::measure(std::string_view date) {
  const auto there = http::parseDate(date);
  if (!there) return;
  const std::int64_t ahead = unixSeconds(clock_.wall()) - *there;
  ahead_ = ahead;
  const bool off = std::abs(ahead) > wire::kMostSkew;
  if (std::exchange(off_, off) == off) return;
  if (off) {
    log_.error("clock",
               "this host's clock is not the controller's: certificates are judged by it, and the record goes by it",
               {{"ahead_seconds", std::to_string(ahead)}});
  } else {
    log_.info("clock", "this host's clock agrees with the controller's again",
              {{"ahead_seconds", std::to_string(ahead)}});
  }
}

std::optional<std::int64_t> ClockSkew::ahead() const {
  const std::int64_t ahead = ahead_;
  return ahead == kUnknown ? std::nullopt : std::optional(ahead);
}

}  // namespace loam::server
