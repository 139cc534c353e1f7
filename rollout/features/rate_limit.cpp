#include "proxy/filters/rate_limit.h"

#include <algorithm>

#include "rollout/features/impact.h"
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

bool hasQuota(const filters::RateLimit& limit) {
  return limit.quota || std::any_of(limit.callers.begin(), limit.callers.end(),
                                    [](const filters::CallerRate& caller) { return caller.quota.has_value(); });
}

std::vector<std::string_view> demands(const Target& target) {
  const auto settings = typed<filters::RateLimitSettings>(target.settings);
  if (!settings.actsOnExchanges()) return {};
  std::vector<std::string_view> all{"rate_limit.exchanges"};
  if (std::any_of(settings.limits.begin(), settings.limits.end(), hasQuota)) all.emplace_back("rate_limit.quotas");
  if (settings.scope == filters::RateLimitSettings::Scope::Service) all.emplace_back("rate_limit.shared");
  return all;
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
          .demands = demands,
          .impact = rateLimitImpact,
          .asksMoments = true};
}

}  // namespace loam::features
