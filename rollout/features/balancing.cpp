#include "proxy/filters/balancing.h"

#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    {.name = "on", .unit = Unit::Connection, .capability = "balancing.on"},
};

std::vector<std::string_view> demands(const Target& target) {
  const auto settings = typed<filters::BalancingSettings>(target.settings);
  std::vector<std::string_view> all;
  if (settings.health && settings.health->kind == filters::HealthCheck::Kind::Grpc) {
    all.emplace_back("balancing.grpc_health");
  }
  // Endpoints carry neither labels nor zones as far as proxies are told today.
  if (!settings.subsets.empty()) all.emplace_back("balancing.subsets");
  if (settings.locality.prefer == filters::Locality::Prefer::Zone) all.emplace_back("balancing.zones");
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
          .demands = demands};
}

}  // namespace loam::features
