#include "proxy/filters/policy.h"

#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    simulate("policy.simulate"),
    {.name = "enforce", .unit = Unit::SourceIdentity, .capability = "policy.enforce"},
};

std::vector<Need> needs(const Target& target) {
  if (target.stage != "enforce" || !typed<filters::PolicySettings>(target.settings).actsOnExchanges()) return {};
  return {servedWhole()};
}

}  // namespace

/// Rules on connections need nothing; those on exchanges need `serve`.
Feature policy() {
  return {.name = "policy",
          .summary = "says who may call what",
          .acts = "callee side",
          .ladder = kLadder,
          .settings = settingsOf<filters::PolicySettings>,
          .complete = completeOf<filters::PolicySettings>,
          .outline = filters::outline<filters::PolicySettings>,
          .needs = needs};
}

}  // namespace loam::features
