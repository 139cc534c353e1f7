#include "proxy/filters/retries.h"

#include "rollout/features/impact.h"
#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    simulate("retries.simulate"),
    {.name = "on", .unit = Unit::Request, .capability = "retries.on"},
};

}  // namespace

/// Always under a budget, never once a byte of the answer was passed on.
Feature retries() {
  return {.name = "retries",
          .summary = "sends failed exchanges again where that is safe, within a budget",
          .acts = "caller side",
          .ladder = kLadder,
          .settings = settingsOf<filters::RetriesSettings>,
          .complete = completeOf<filters::RetriesSettings>,
          .outline = filters::outline<filters::RetriesSettings>,
          .needs = needsServeWhenOn,
          .impact = retriesImpact,
          .asksMoments = true};
}

}  // namespace loam::features
