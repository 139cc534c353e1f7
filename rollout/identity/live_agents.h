#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rollout/identity/records.h"
#include "rollout/identity/rotation.h"

namespace loam::identity {

/// What the fleet says of one proxy that came by certificate.
struct Heard {
  std::string name;        ///< "node-a"
  std::uint64_t step = 0;  ///< of the trust that it acknowledged
  bool lately = false;     ///< not silent for longer than proxies ever are
};

/// Silence of this length means that an agent is away.
constexpr std::int64_t kAwayAfter = 90;

/// Whom a rotation waits for: agents that were heard of lately, and those that may yet be heard of because they got a
/// certificate, or the controller began (`since`, unix seconds), less than kAwayAfter ago. Denied names are nobody's to
/// wait for.
std::vector<Acknowledgement> liveAgents(const Records& records, std::string_view trustDomain,
                                        const std::vector<Heard>& heard, std::int64_t since, std::int64_t now);

}  // namespace loam::identity
