#include "rollout/notify/proxy_readings.h"

#include <cstdlib>

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
  Reading clock{Event::ClockOff, agent.name, agent.isClockOff()};
  if (clock.holds) {
    const std::int64_t ahead = *agent.clockAhead;
    clock.summary = "The clock of proxy " + agent.name + " is " + std::to_string(std::abs(ahead)) + " s " +
                    (ahead > 0 ? "ahead of" : "behind") + " the controller's.";
    clock.detail = "Certificates are judged by it, and what it reports is recorded under its times.";
  }
  into.push_back(std::move(clock));
}

Reading neverAsked(const std::string& proxy) {
  Reading away{Event::ProxySilent, proxy, true};
  away.summary = "Proxy " + proxy + " was not heard of for " + silence() + ".";
  away.detail = "It has reported within the last 7 days, but has not asked since this controller began.";
  return away;
}

}  // namespace loam::notify
