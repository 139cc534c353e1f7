#include "proxy/filters/cluster_terms.h"

#include <algorithm>

#include "proxy/filters/exchange_match.h"
#include "proxy/http/http1_chars.h"
#include "proxy/http/path_form.h"

namespace loam::filters {

namespace {

upstream::Algorithm algorithmOf(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::LeastRequest:
      return upstream::Algorithm::LeastRequest;
    case Algorithm::PeakEwma:
      return upstream::Algorithm::PeakEwma;
    case Algorithm::RoundRobin:
      return upstream::Algorithm::RoundRobin;
    case Algorithm::Random:
      return upstream::Algorithm::Random;
    case Algorithm::RingHash:
      return upstream::Algorithm::RingHash;
    case Algorithm::Maglev:
      return upstream::Algorithm::Maglev;
  }
  return upstream::Algorithm::LeastRequest;
}

upstream::Failure failureOf(Ejection::Failure failure) {
  switch (failure) {
    case Ejection::Failure::ConnectFailure:
      return upstream::Failure::ConnectFailure;
    case Ejection::Failure::Reset:
      return upstream::Failure::Reset;
    case Ejection::Failure::Timeout:
      return upstream::Failure::Timeout;
    case Ejection::Failure::GatewayError:
      return upstream::Failure::GatewayError;
    case Ejection::Failure::ServerError:
      return upstream::Failure::ServerError;
  }
  return upstream::Failure::ServerError;
}

Result<upstream::HealthTerms> healthTerms(const HealthCheck& check) {
  upstream::HealthTerms terms;
  if (check.kind == HealthCheck::Kind::Grpc) {
    return fail(ErrorCode::Unsupported, "health.kind grpc: this proxy does not ask grpc.health.v1");
  }
  if (check.kind == HealthCheck::Kind::Http) terms.kind = upstream::HealthTerms::Kind::Http;
  terms.path = check.path;
  terms.statuses = check.statuses;
  terms.port = check.port;
  terms.interval = check.interval;
  terms.timeout = check.timeout;
  terms.healthyAfter = check.healthyAfter;
  terms.unhealthyAfter = check.unhealthyAfter;
  return terms;
}

upstream::EjectionTerms ejectionTerms(const Ejection& ejection, bool simulated) {
  upstream::EjectionTerms terms;
  terms.on.clear();
  for (const Ejection::Failure failure : ejection.on) terms.on.push_back(failureOf(failure));
  terms.consecutive = ejection.consecutive;
  terms.failurePercent = ejection.failurePercent;
  terms.leastExchanges = ejection.leastExchanges.value_or(terms.leastExchanges);
  terms.interval = ejection.interval;
  terms.base = ejection.base;
  terms.most = ejection.most;
  terms.maxPercent = ejection.maxPercent;
  terms.simulated = simulated;
  return terms;
}

Status addBalancing(const BalancingSettings& settings, const std::string& zone, upstream::ClusterTerms& terms) {
  terms.balancer.algorithm = algorithmOf(settings.algorithm);
  terms.balancer.slowStart = settings.slowStart;
  terms.balancer.panicPercent = settings.panicPercent;
  terms.balancer.leastEndpoints = settings.locality.leastEndpoints;
  if (settings.locality.prefer == Locality::Prefer::Zone) terms.balancer.zone = zone;
  terms.pool = {.mostIdle = settings.pool.mostIdle, .idle = settings.pool.idle, .life = settings.pool.life};
  for (const Subset& subset : settings.subsets) {
    upstream::SubsetTerms one{.labels = subset.labels};
    if (subset.algorithm) one.algorithm = algorithmOf(*subset.algorithm);
    terms.subsets.push_back(std::move(one));
  }
  if (!settings.health) return {};
  auto health = healthTerms(*settings.health);
  if (!health) return fail(std::move(health).error());
  terms.health = *std::move(health);
  return {};
}

void addBreaking(const CircuitBreakingSettings& settings, bool simulated, upstream::ClusterTerms& terms) {
  terms.capsSimulated = simulated;
  if (settings.caps) {
    terms.caps = {.connections = settings.caps->connections,
                  .requests = settings.caps->requests,
                  .pending = settings.caps->pending};
  }
  if (settings.ejection) terms.ejection = ejectionTerms(*settings.ejection, simulated);
}

/// By a name in whatever case people wrote it.
std::string_view headerNamed(const filter::ExchangeView& view, std::string_view name) {
  const auto alike = [](char a, char b) { return http::lower(a) == http::lower(b); };
  for (const http::HeaderField& field : view.headers) {
    if (std::equal(field.name.begin(), field.name.end(), name.begin(), name.end(), alike)) return field.value;
  }
  return {};
}

}  // namespace

Result<upstream::ClusterTerms> clusterTerms(const ClusterSettings& settings, const std::string& zone) {
  upstream::ClusterTerms terms;
  if (settings.balancing) LOAM_TRY(addBalancing(*settings.balancing, zone, terms));
  if (settings.circuitBreaking) addBreaking(*settings.circuitBreaking, settings.breakingSimulated, terms);
  if (settings.retries) {
    terms.budget = budgetTerms(settings.retries->budget);
  }
  for (const upstream::Labels& labels : settings.routed) {
    // Behind those of `balancing`, which may say more of the same.
    const bool isThere = std::any_of(terms.subsets.begin(), terms.subsets.end(),
                                     [&](const upstream::SubsetTerms& subset) { return subset.labels == labels; });
    if (!isThere && !labels.empty()) terms.subsets.push_back({.labels = labels});
  }
  return terms;
}

std::vector<upstream::Labels> labelsRouted(const RoutingSettings& routing, std::string_view owner,
                                           std::string_view service) {
  std::vector<upstream::Labels> all;
  for (const RoutingRule& rule : routing.rules) {
    for (const Destination& to : rule.to) {
      const std::string_view named = to.service.empty() ? owner : std::string_view(to.service);
      const bool isNew = std::find(all.begin(), all.end(), to.labels) == all.end();
      if (named == service && !to.labels.empty() && isNew) all.push_back(to.labels);
    }
  }
  return all;
}

upstream::RetryBudgetTerms budgetTerms(const RetryBudget& budget) {
  return {.ratio = budget.ratio, .minPerSecond = budget.minPerSecond, .window = budget.window};
}

upstream::BackoffTerms backoffTerms(const Backoff& backoff) { return {.base = backoff.base, .most = backoff.most}; }

upstream::PickKey pickKey(const HashKey& hash, const filter::ExchangeView& view) {
  std::string_view value;
  switch (hash.by) {
    case HashKey::By::Source: {
      const auto& bytes = view.client.ip.bytes();
      return upstream::PickKey::of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    case HashKey::By::Header:
      value = headerNamed(view, hash.name);
      break;
    case HashKey::By::Cookie:
      value = cookieOf(view, hash.name);
      break;
    case HashKey::By::Query:
      value = parameterOf(http::partsOf(view.path).query, hash.name);
      break;
  }
  return value.empty() ? upstream::PickKey() : upstream::PickKey::of(value);
}

}  // namespace loam::filters
