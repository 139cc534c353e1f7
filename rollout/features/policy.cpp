#include "proxy/filters/policy.h"

#include <algorithm>

#include "rollout/features/impact.h"
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

std::vector<std::string_view> demands(const Target& target) {
  const auto settings = typed<filters::PolicySettings>(target.settings);
  std::vector<std::string_view> all;
  if (settings.actsOnExchanges()) all.emplace_back("policy.exchanges");
  const bool asksForTokens = std::any_of(settings.rules.begin(), settings.rules.end(),
                                         [](const filters::PolicyRule& rule) { return rule.jwt.has_value(); });
  if (asksForTokens) all.emplace_back("policy.jwt");
  return all;
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
          .needs = needs,
          .demands = demands,
          .impact = policyImpactOn};
}

}  // namespace loam::features
