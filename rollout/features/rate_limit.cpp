#include "proxy/filters/rate_limit.h"

#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    simulate("rate_limit.simulate"),
    {.name = "enforce", .unit = Unit::Source, .capability = "rate_limit.enforce"},
};

std::vector<Need> needs(const Target& target) {
  if (target.stage != "enforce" || !typed<filters::RateLimitSettings>(target.settings).actsOnExchanges()) return {};
  return {servedWhole()};
}

std::vector<std::string_view> demands(const Target& target) {
  if (!typed<filters::RateLimitSettings>(target.settings).actsOnExchanges()) return {};
  return {"rate_limit.exchanges"};
}

}  // namespace

/// Caps on connections need nothing; limits on exchanges need `serve`.
Feature rateLimit() {
  return {.name = "rate_limit",
          .summary = "bounds what callers may ask for: rates, quotas, connections",
          .acts = "callee side",
          .ladder = kLadder,
          .settings = settingsOf<filters::RateLimitSettings>,
          .complete = completeOf<filters::RateLimitSettings>,
          .outline = filters::outline<filters::RateLimitSettings>,
          .needs = needs,
          .demands = demands};
}

}  // namespace loam::features
