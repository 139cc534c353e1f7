#include "proxy/server/exchange_filters.h"

#include <algorithm>
#include <utility>

#include "proxy/filters/exchange_policy.h"
#include "proxy/filters/fault_filter.h"
#include "proxy/filters/rate_filter.h"
#include "proxy/filters/timeouts_filter.h"
#include "proxy/server/admission.h"

namespace loam::server {

namespace {

using HttpFilterPtr = std::unique_ptr<const filter::HttpFilter>;
/// What filters are made of.
struct Ground {
  const wire::ServiceConfig& service;
  filters::ServiceLedger& ledger;
};
using Make = Result<HttpFilterPtr> (*)(const wire::FeatureConfig& config, const Ground& ground);
/// Where the filter of one feature stands.
struct One {
  std::string_view feature;
  Make make;
  bool atCallee = false;
  bool atCaller = false;
  bool relayed = false;   ///< it is asked about relayed exchanges
  bool watches = false;   ///< at `simulate` it sees how exchanges went, served ones too, and none goes through it
  bool byCaller = false;  ///< beside callers it is asked as well
};

filters::ExchangeShare exchangeShareOf(const wire::FeatureConfig& config) { return {config.share, config.salt}; }

template <class Made>
Result<HttpFilterPtr> asFilter(Result<Made> made) {
  if (!made) return fail(std::move(made).error());
  return HttpFilterPtr(*std::move(made));
}

Result<HttpFilterPtr> policy(const wire::FeatureConfig& config, const Ground&) {
  return asFilter(filters::ExchangePolicy::make(config.stage, shareOf(config), config.settings));
}
Result<HttpFilterPtr> rateLimit(const wire::FeatureConfig& config, const Ground& ground) {
  return asFilter(filters::RateFilter::make(config.stage, shareOf(config), config.settings,
                                            ground.ledger.ratesOf(ground.service.name)));
}
Result<HttpFilterPtr> fault(const wire::FeatureConfig& config, const Ground& ground) {
  return asFilter(
      filters::FaultFilter::make(exchangeShareOf(config), config.settings, ground.ledger.heldOf(ground.service.name)));
}
Result<HttpFilterPtr> timeouts(const wire::FeatureConfig& config, const Ground&) {
  return asFilter(filters::TimeoutsFilter::make(exchangeShareOf(config), config.settings));
}

/// The flag of the service itself, else that of every service; null where it is off.
const wire::FeatureConfig* configOf(const wire::ServiceConfig& service,
                                    const std::vector<wire::FeatureConfig>& defaults, std::string_view feature) {
  for (const auto* features : {&service.features, &defaults}) {
    const auto found = std::find_if(features->begin(), features->end(),
                                    [&](const wire::FeatureConfig& config) { return config.feature == feature; });
    if (found != features->end()) return found->stage == "off" ? nullptr : &*found;
  }
  return nullptr;
}

}  // namespace

Result<ExchangeFilters> exchangeFiltersOf(const wire::ServiceConfig& service,
                                          const std::vector<wire::FeatureConfig>& defaults,
                                          filters::ServiceLedger& ledger) {
  const bool isOnce = service.proxies.empty();  // nobody stands beside the service
  const One inOrder[] = {{.feature = "policy", .make = policy, .atCallee = true, .relayed = true},
                         {.feature = "rate_limit", .make = rateLimit, .atCallee = true, .relayed = true},
                         {.feature = "fault", .make = fault, .atCallee = true, .atCaller = isOnce},
                         {.feature = "timeouts",
                          .make = timeouts,
                          .atCallee = true,
                          .atCaller = true,
                          .relayed = true,
                          .watches = true,
                          .byCaller = isOnce}};
  ExchangeFilters filters;
  for (const One& one : inOrder) {
    const wire::FeatureConfig* config = configOf(service, defaults, one.feature);
    if (config == nullptr) continue;
    const bool isBeside = one.watches && config->stage == "simulate";
    for (const bool callee : {true, false}) {
      if (!(callee ? one.atCallee : one.atCaller)) continue;
      auto filter = one.make(*config, Ground{service, ledger});
      if (!filter) {
        Error error = std::move(filter).error();
        error.context.insert(0, "settings of " + config->feature + " for " + service.name + ": ");
        return fail(std::move(error));
      }
      if (!*filter) continue;
      Simulated& simulated = callee ? filters.ofCallee : filters.ofCaller;
      const bool asks = callee || one.byCaller;
      if (one.relayed && asks) simulated.relayed.push_back(filter->get());
      if (isBeside && asks) simulated.served.push_back(filter->get());
      filter::HttpFilters& chain = callee ? filters.atCallee : filters.atCaller;
      (isBeside ? filters.beside : chain).push_back(*std::move(filter));
    }
  }
  return filters;
}

}  // namespace loam::server
