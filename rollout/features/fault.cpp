#include "proxy/filters/fault.h"

#include "rollout/features/impact.h"
#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    {.name = "on", .unit = Unit::Request, .expires = true, .capability = "fault.on"},
};

std::vector<Need> needs(const Target& target) {
  if (target.stage != "on" || !typed<filters::FaultSettings>(target.settings).actsOnExchanges()) return {};
  return {servedWhole()};
}

std::vector<std::string_view> demands(const Target& target) {
  const auto settings = typed<filters::FaultSettings>(target.settings);
  std::vector<std::string_view> all;
  if (!settings.actsOnExchanges()) all.emplace_back("fault.connections");
  if (settings.bytesPerSecond) all.emplace_back("fault.bandwidth");
  return all;
}

}  // namespace

/// Never without an end.
Feature fault() {
  return {.name = "fault",
          .summary = "makes trouble on purpose, for a while: delay, abort, bandwidth, a made-up answer",
          .acts = "either side",
          .ladder = kLadder,
          .settings = settingsOf<filters::FaultSettings>,
          .complete = completeOf<filters::FaultSettings>,
          .outline = filters::outline<filters::FaultSettings>,
          .needs = needs,
          .demands = demands,
          .impact = faultImpact};
}

}  // namespace loam::features
