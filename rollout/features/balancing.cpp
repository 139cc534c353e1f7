#include "proxy/filters/balancing.h"

#include "rollout/features/impact.h"
#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    {.name = "on", .unit = Unit::Connection, .capability = "balancing.on"},
};

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
          .impact = balancingImpact};
}

}  // namespace loam::features
