#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/filter/exchange_view.h"
#include "proxy/filters/balancing.h"
#include "proxy/filters/circuit_breaking.h"
#include "proxy/filters/retries.h"
#include "proxy/filters/routing.h"
#include "proxy/upstream/cluster.h"

namespace loam::filters {

/// What the flags of one service say of how its endpoints are chosen; none: the flag is off.
struct ClusterSettings {
  std::optional<BalancingSettings> balancing{};
  std::optional<CircuitBreakingSettings> circuitBreaking{};
  bool breakingSimulated = false;  ///< circuit_breaking is at `simulate`
  std::optional<RetriesSettings> retries{};
  std::vector<upstream::Labels> routed{};  ///< that routes, also those of other services, name of its endpoints
};

/// The settings of several features as the one set of terms that proxy/upstream goes by. `zone`: this host's; empty
/// where nobody knows it. Unsupported names what this proxy cannot carry out of them.
Result<upstream::ClusterTerms> clusterTerms(const ClusterSettings& settings, const std::string& zone);

/// The labels that the routes of `owner` name of endpoints of `service`, each once.
std::vector<upstream::Labels> labelsRouted(const RoutingSettings& routing, std::string_view owner,
                                           std::string_view service);

/// What bounds repeats.
upstream::RetryBudgetTerms budgetTerms(const RetryBudget& budget);

/// What a repeat waits for, at most.
upstream::BackoffTerms backoffTerms(const Backoff& backoff);

/// What `hash` looks at in an exchange; no key where that is not there.
upstream::PickKey pickKey(const HashKey& hash, const filter::ExchangeView& view);

}  // namespace loam::filters
