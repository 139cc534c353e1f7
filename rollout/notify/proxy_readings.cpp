#include "rollout/notify/proxy_readings.h"

#include "proxy/base/utc.h"
#include "rollout/fleet/fleet.h"

namespace loam::notify {

namespace {

std::string silence() {
  return std::to_string(std::chrono::duration_cast<seconds>(fleet::Fleet::kSilentAfter).count()) + " s";
}

}  // namespace

void readProxy(const fleet::Agent& agent, bool silent, std::vector<Reading>& into) {
  Reading away{Event::ProxySilent, agent.name, silent};
  if (silent) {
    away.summary = "Proxy " + agent.name + " was not heard of for " + silence() + ".";
    away.detail = "It asked last at " + utcText(agent.lastContact / 1000) + ".";
  }
  into.push_back(std::move(away));
  Reading refuses{Event::ProxyRefuses, agent.name, agent.refused.has_value()};
  if (agent.refused) {
    const std::vector<std::string>& reasons = agent.refused->reasons;
    refuses.summary = "Proxy " + agent.name + " refuses its snapshot and goes on with the one before.";
    refuses.detail = "generation " + std::to_string(agent.refused->generation);
    for (const std::string& reason : reasons) refuses.detail.append("; ").append(reason);
  }
  into.push_back(std::move(refuses));
  Reading killed{Event::ProxyKilled, agent.name, agent.killed};
  if (agent.killed) {
    killed.summary = "Proxy " + agent.name + " was killed on its own host: it runs no feature but observing.";
    killed.detail = "It goes on so until somebody restores it there.";
  }
  into.push_back(std::move(killed));
}

Reading neverAsked(const std::string& proxy) {
  Reading away{Event::ProxySilent, proxy, true};
  away.summary = "Proxy " + proxy + " was not heard of for " + silence() + ".";
  away.detail = "It has reported within the last 7 days, but has not asked since this controller began.";
  return away;
}

}  // namespace loam::notify
