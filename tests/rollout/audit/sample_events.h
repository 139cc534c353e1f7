#pragma once

#include <string>
#include <vector>

#include "proxy/base/json.h"
#include "rollout/audit/event.h"

namespace loam::audit {

inline Act actOf(const std::string& verb) {
  return {"ada", "token:t1", "10.0.0.9", verb, "the canary looks good", "OPS-7", "c-1"};
}

/// The events 1 to `count` of a log, one a second.
inline std::vector<Event> logOf(std::size_t count) {
  std::vector<Event> log;
  for (std::size_t i = 1; i <= count; ++i) {
    Event event;
    event.sequence = i;
    event.at = 1'700'000'000'000 + static_cast<std::int64_t>(i) * 1000;
    event.act = actOf("flag.set");
    event.kind = "flag";
    event.key = "checkout/observe";
    event.fromRevision = i - 1;
    event.toRevision = i;
    event.patch = *parseJson(R"([{"op":"add","path":"/share","value":)" + std::to_string(i) + "}]");
    event.previous = log.empty() ? std::string(kNoHash) : log.back().hash;
    event.hash = hashOf(event);
    log.push_back(event);
  }
  return log;
}

}  // namespace loam::audit
