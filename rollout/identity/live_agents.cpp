#include "rollout/identity/live_agents.h"

#include <algorithm>
#include <map>

#include "rollout/identity/spiffe_id.h"

namespace loam::identity {

namespace {

/// When each name got its last certificate, of those that have not expired.
std::map<std::string, std::int64_t> lastIssued(const Records& records, std::int64_t now) {
  std::map<std::string, std::int64_t> last;
  for (const auto& [serial, kept] : records.certificates()) {
    const Issued& issued = kept.value;
    const auto id = parseSpiffeId(issued.spiffe);
    if (!id || id->kind != kProxyKind || issued.notAfter <= now) continue;
    std::int64_t& at = last[id->name];
    at = std::max(at, issued.notBefore + kBackdated.count());
  }
  return last;
}

}  // namespace

std::vector<Acknowledgement> liveAgents(const Records& records, std::string_view trustDomain,
                                        const std::vector<Heard>& heard, std::int64_t since, std::int64_t now) {
  std::map<std::string, std::uint64_t> live;
  for (const auto& [name, issued] : lastIssued(records, now)) {
    if (std::max(issued, since) + kAwayAfter > now) live[name] = 0;
  }
  for (const Heard& agent : heard) {
    if (agent.lately) {
      live[agent.name] = agent.step;
    } else {
      live.erase(agent.name);
    }
  }
  std::vector<Acknowledgement> out;
  for (const auto& [name, step] : live) {
    if (records.denials().whyDenied("", spiffeId(trustDomain, kProxyKind, name), now)) continue;
    out.push_back({name, step});
  }
  return out;
}

}  // namespace loam::identity
