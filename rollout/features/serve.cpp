#include "proxy/filters/serve.h"

#include "rollout/features/impact.h"
#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    simulate("serve.simulate"),
    {.name = "on", .unit = Unit::Connection, .capability = "serve.on"},
};

}  // namespace

/// What stands before every feature that acts on exchanges.
Feature serve() {
  return {.name = "serve",
          .summary = "terminates connections with the strict codec, as whatever acts on exchanges needs",
          .acts = "callee or caller side",
          .ladder = kLadder,
          .settings = settingsOf<filters::ServeSettings>,
          .complete = completeOf<filters::ServeSettings>,
          .outline = filters::outline<filters::ServeSettings>,
          .needs = needsNothing,
          .impact = serveImpact};
}

}  // namespace loam::features
