#include "proxy/filters/timeouts.h"

#include "rollout/features/impact.h"
#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    simulate("timeouts.simulate"),
    {.name = "on", .unit = Unit::Request, .capability = "timeouts.on"},
};

std::vector<std::string_view> demands(const Target& target) {
  if (!typed<filters::TimeoutsSettings>(target.settings).connect) return {};
  return {"timeouts.connect"};
}

}  // namespace

/// None is set until somebody sets it.
Feature timeouts() {
  return {.name = "timeouts",
          .summary = "ends exchanges that take too long",
          .acts = "caller side",
          .ladder = kLadder,
          .settings = settingsOf<filters::TimeoutsSettings>,
          .complete = completeOf<filters::TimeoutsSettings>,
          .outline = filters::outline<filters::TimeoutsSettings>,
          .needs = needsServeWhenOn,
          .demands = demands,
          .impact = timeoutsImpact};
}

}  // namespace loam::features
