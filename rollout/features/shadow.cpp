#include "proxy/filters/shadow.h"

#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    {.name = "compare", .unit = Unit::Request, .beside = true, .capability = "shadow.compare"},
};

}  // namespace

/// Beside the relay at every stage.
Feature shadow() {
  return {.name = "shadow",
          .summary = "copies requests to a candidate and compares the answers; the primary never waits",
          .acts = "whichever proxy sees it",
          .ladder = kLadder,
          .settings = settingsOf<filters::ShadowSettings>,
          .complete = completeOf<filters::ShadowSettings>,
          .outline = filters::outline<filters::ShadowSettings>,
          .needs = needsNothing};
}

}  // namespace loam::features
