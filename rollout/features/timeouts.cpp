#include "proxy/filters/timeouts.h"

#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    simulate("timeouts.simulate"),
    {.name = "on", .unit = Unit::Request, .capability = "timeouts.on"},
};

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
          .needs = needsServeWhenOn};
}

}  // namespace loam::features
