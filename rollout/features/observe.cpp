#include "proxy/filters/observe.h"

#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    {.name = "sampled", .unit = Unit::Connection, .beside = true, .capability = "observe.sampled"},
    {.name = "on", .beside = true, .capability = "observe.on"},
};

}  // namespace

/// The only one that is on from the start.
Feature observe() {
  return {.name = "observe",
          .summary = "sees who calls whom, how often, how fast and how well, and changes nothing",
          .acts = "whichever proxy sees it",
          .ladder = kLadder,
          .initial = "on",
          .settings = settingsOf<filters::ObserveSettings>,
          .complete = completeOf<filters::ObserveSettings>,
          .outline = filters::outline<filters::ObserveSettings>,
          .needs = needsNothing};
}

}  // namespace loam::features
