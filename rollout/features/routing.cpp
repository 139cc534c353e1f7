#include "proxy/filters/routing.h"

#include <algorithm>

#include "rollout/features/impact.h"
#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    {.name = "on", .unit = Unit::Request, .capability = "routing.on"},
};

/// Endpoints have no labels yet that a proxy is told of.
std::vector<std::string_view> demands(const Target& target) {
  const auto settings = typed<filters::RoutingSettings>(target.settings);
  const bool byLabel = std::any_of(settings.rules.begin(), settings.rules.end(), [](const filters::RoutingRule& rule) {
    return std::any_of(rule.to.begin(), rule.to.end(),
                       [](const filters::Destination& to) { return !to.labels.empty(); });
  });
  if (!byLabel) return {};
  return {"routing.labels"};
}

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
          .demands = demands,
          .impact = routingImpact};
}

}  // namespace loam::features
