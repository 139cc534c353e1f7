#include "rollout/api/fleet_events.h"

#include <utility>

namespace loam::api {

void FleetEvents::tell(const fleet::Agent& agent, const char* what, const std::string& reason) {
  Json::Value event(Json::objectValue);
  event["proxy"] = agent.name;
  event["what"] = what;
  event["last_contact"] = Json::Int64(agent.lastContact);
  if (!reason.empty()) event["reason"] = reason;
  hub_.say("proxy", event);
}

void FleetEvents::look() {
  if (hub_.readers() == 0) {
    looked_ = false;
    seen_.clear();
    return;
  }
  const bool first = !std::exchange(looked_, true);
  for (const fleet::Agent& agent : fleet_.agents()) {
    const Seen now{fleet_.isSilent(agent), agent.refused ? agent.refused->generation : 0};
    const auto [place, isNew] = seen_.try_emplace(agent.name, now);
    const Seen before = std::exchange(place->second, now);
    if (first) continue;
    if (isNew) tell(agent, "joined");
    if (!isNew && now.silent && !before.silent) tell(agent, "silent");
    if (!isNew && !now.silent && before.silent) tell(agent, "back");
    const bool refuses = now.refused != 0 && (isNew || now.refused != before.refused);
    if (refuses) tell(agent, "refused", agent.refused->reasons.empty() ? "" : agent.refused->reasons.front());
  }
}

}  // namespace loam::api
