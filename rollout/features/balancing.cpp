#include "proxy/filters/balancing.h"

#include "rollout/features/impact.h"
#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    {.name = "on", .unit = Unit::Connection, .capability = "balancing.on"},
};

/// What needs to know more of endpoints than where they are, or to ask them.
std::vector<std::string_view> demands(const Target& target) {
  const auto settings = typed<filters::BalancingSettings>(target.settings);
  std::vector<std::string_view> all;
  if (settings.health) all.emplace_back("balancing.health");
  if (!settings.subsets.empty()) all.emplace_back("balancing.subsets");
  if (settings.locality.prefer != filters::Locality::Prefer::None) all.emplace_back("balancing.zones");
  return all;
}

}  // namespace

/// At "off" a connection goes where its client sent it.
Feature balancing() {
  return {.name = "balancing",
          .summary = "chooses the endpoint by load, health and place, instead of the one that the client chose",
          .acts = "caller side",
          .ladder = kLadder,
          .settings = settingsOf<filters::BalancingSettings>,
          .complete = completeOf<filters::BalancingSettings>,
          .outline = filters::outline<filters::BalancingSettings>,
          .needs = needsNothing,
          .demands = demands,
          .impact = balancingImpact};
}

}  // namespace loam::features
