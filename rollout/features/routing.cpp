#include "proxy/filters/routing.h"

#include "rollout/features/impact.h"
#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    {.name = "on", .unit = Unit::Request, .capability = "routing.on"},
};

}  // namespace

/// Without a rule that fits, an exchange goes where it went before.
Feature routing() {
  return {.name = "routing",
          .summary = "sends exchanges to versions, candidates and developers' copies, by what is in them",
          .acts = "caller side",
          .ladder = kLadder,
          .settings = settingsOf<filters::RoutingSettings>,
          .complete = completeOf<filters::RoutingSettings>,
          .outline = filters::outline<filters::RoutingSettings>,
          .needs = needsServeWhenOn,
          .impact = routingImpact};
}

}  // namespace loam::features
