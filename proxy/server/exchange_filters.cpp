#include "proxy/server/exchange_filters.h"

#include <algorithm>
#include <utility>

#include "proxy/filters/cluster_filter.h"
#include "proxy/filters/exchange_policy.h"
#include "proxy/filters/fault_filter.h"
#include "proxy/filters/rate_filter.h"
#include "proxy/filters/retries_filter.h"
#include "proxy/filters/routing_filter.h"
#include "proxy/filters/settings.h"
#include "proxy/filters/timeouts_filter.h"
#include "proxy/server/admission.h"
#include "proxy/server/endpoint_choice.h"

namespace loam::server {

namespace {

using HttpFilterPtr = std::unique_ptr<const filter::HttpFilter>;
/// What filters are made of.
struct Ground {
  const wire::ServiceConfig& service;
  const std::vector<wire::FeatureConfig>& defaults;
  filters::ServiceLedger& ledger;
  const filters::ClusterMap& clusters;
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
Result<HttpFilterPtr> routing(const wire::FeatureConfig& config, const Ground& ground) {
  return asFilter(
      filters::RoutingFilter::make(exchangeShareOf(config), config.settings, ground.service.name, ground.clusters));
}
Result<HttpFilterPtr> retries(const wire::FeatureConfig& config, const Ground& ground) {
  return asFilter(filters::RetriesFilter::make(exchangeShareOf(config), config.settings,
                                               ground.ledger.endpoints().ofService(ground.service.name)));
}

std::optional<milliseconds> connectOf(const wire::FeatureConfig& timeouts) {
  std::vector<FieldProblem> said;
  return filters::read<filters::TimeoutsSettings>(timeouts.settings, said, filters::Purpose::Keep).connect;
}

/// Balancing and circuit breaking, which are one filter: both go by the endpoints' standing.
void addEndpointChoice(ExchangeFilters& filters, const Ground& ground,
                       std::shared_ptr<const filters::ServiceClusters> clusters) {
  const wire::FeatureConfig* balancing = configOf(ground.service, ground.defaults, "balancing");
  const bool breaks = configOf(ground.service, ground.defaults, "circuit_breaking") != nullptr;
  if (balancing == nullptr && !breaks) return;
  if (balancing != nullptr) {
    std::vector<FieldProblem> said;
    const auto settings = filters::read<filters::BalancingSettings>(balancing->settings, said, filters::Purpose::Keep);
    filters.balanced = {filters::ConnectionShare(balancing->share, balancing->salt), settings.hash};
  }
  filters.atCaller.push_back(std::make_unique<const filters::ClusterFilter>(filters.balanced, std::move(clusters)));
}

}  // namespace

Result<ExchangeFilters> exchangeFiltersOf(const wire::ServiceConfig& service,
                                          const std::vector<wire::FeatureConfig>& defaults,
                                          filters::ServiceLedger& ledger, const filters::ClusterMap& clusters) {
  const bool isOnce = service.proxies.empty();  // nobody stands beside the service
  const One inOrder[] = {{.feature = "policy", .make = policy, .atCallee = true, .relayed = true},
                         {.feature = "rate_limit", .make = rateLimit, .atCallee = true, .relayed = true},
                         {.feature = "fault", .make = fault, .atCallee = true, .atCaller = isOnce},
                         {.feature = "routing", .make = routing, .atCaller = true},
                         {.feature = "timeouts",
                          .make = timeouts,
                          .atCallee = true,
                          .atCaller = true,
                          .relayed = true,
                          .watches = true,
                          .byCaller = isOnce},
                         {.feature = "retries", .make = retries, .atCaller = true}};
  ExchangeFilters filters;
  for (const One& one : inOrder) {
    const wire::FeatureConfig* config = configOf(service, defaults, one.feature);
    if (config == nullptr) continue;
    const bool isBeside = one.watches && config->stage == "simulate";
    for (const bool callee : {true, false}) {
      if (!(callee ? one.atCallee : one.atCaller)) continue;
      auto filter = one.make(*config, Ground{service, defaults, ledger, clusters});
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
    if (one.make == retries) filters.callerRepeats = true;
    const bool isWhole = config->stage == "on" && config->share >= filters::ExchangeShare::kWhole;
    if (one.make == timeouts && isWhole) filters.connect = connectOf(*config);
  }
  const auto own = clusters.find(service.name);
  if (own != clusters.end()) addEndpointChoice(filters, Ground{service, defaults, ledger, clusters}, own->second);
  return filters;
}

}  // namespace loam::server
