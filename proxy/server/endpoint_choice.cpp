#include "proxy/server/endpoint_choice.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "proxy/filters/cluster_terms.h"
#include "proxy/filters/exchange_share.h"
#include "proxy/filters/settings.h"

namespace loam::server {

namespace {

/// The typed settings of a feature of the service that is on, into `into`. InvalidArgument names what cannot be read.
template <class Settings>
Status readInto(std::optional<Settings>& into, const wire::ServiceConfig& service,
                const std::vector<wire::FeatureConfig>& defaults, std::string_view feature) {
  const wire::FeatureConfig* config = configOf(service, defaults, feature);
  if (config == nullptr) return {};
  std::vector<FieldProblem> problems;
  into = filters::read<Settings>(config->settings, problems, filters::Purpose::Keep);
  if (problems.empty()) return {};
  return fail(ErrorCode::InvalidArgument,
              "settings of " + std::string(feature) + " for " + service.name + ": " + text(problems));
}

/// The services that routes send exchanges to.
Result<std::set<std::string>> routedTo(const wire::Snapshot& snapshot) {
  std::set<std::string> names;
  for (const wire::ServiceConfig& service : snapshot.services) {
    std::optional<filters::RoutingSettings> routing;
    Status read = readInto(routing, service, snapshot.defaults, "routing");
    if (!read) return fail(std::move(read).error());
    if (!routing) continue;
    for (const filters::RoutingRule& rule : routing->rules) {
      for (const filters::Destination& to : rule.to) names.insert(to.service);
    }
  }
  return names;
}

/// Percent of the endpoints.
std::function<bool(const SocketAddress&)> coveredBy(const wire::FeatureConfig& config) {
  if (config.share >= filters::ExchangeShare::kWhole) return {};
  return [share = filters::ExchangeShare{config.share, config.salt}](const SocketAddress& endpoint) {
    return share.hasUnit(endpoint.text());
  };
}

}  // namespace

const wire::FeatureConfig* configOf(const wire::ServiceConfig& service,
                                    const std::vector<wire::FeatureConfig>& defaults, std::string_view feature) {
  for (const auto* features : {&service.features, &defaults}) {
    const auto found = std::find_if(features->begin(), features->end(),
                                    [&](const wire::FeatureConfig& config) { return config.feature == feature; });
    if (found != features->end()) return found->stage == "off" ? nullptr : &*found;
  }
  return nullptr;
}

Result<filters::ClusterMap> clustersOf(const wire::Snapshot& snapshot, filters::ServiceLedger& ledger) {
  auto named = routedTo(snapshot);
  if (!named) return fail(std::move(named).error());
  filters::ClusterMap clusters;
  for (const wire::ServiceConfig& service : snapshot.services) {
    filters::ClusterSettings settings;
    Status read = readInto(settings.balancing, service, snapshot.defaults, "balancing");
    if (read) read = readInto(settings.circuitBreaking, service, snapshot.defaults, "circuit_breaking");
    if (!read) return fail(std::move(read).error());
    if (!settings.balancing && !settings.circuitBreaking && !named->contains(service.name)) continue;
    auto terms = filters::clusterTerms(settings, {});
    if (!terms) return fail(std::move(terms).error());
    if (terms->ejection) terms->ejection->covers = coveredBy(*configOf(service, snapshot.defaults, "circuit_breaking"));
    clusters[service.name] = std::make_shared<const filters::ServiceClusters>(service.name, *terms, service.endpoints,
                                                                              ledger.endpoints(), SystemClock().now());
  }
  return clusters;
}

}  // namespace loam::server
