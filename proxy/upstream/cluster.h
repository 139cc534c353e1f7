#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/upstream/backoff.h"
#include "proxy/upstream/balancer.h"
#include "proxy/upstream/caps.h"
#include "proxy/upstream/endpoint_states.h"
#include "proxy/upstream/health_check.h"
#include "proxy/upstream/idle_pool.h"
#include "proxy/upstream/retry_budget.h"

namespace loam::upstream {

/// Endpoints with certain labels.
struct SubsetTerms {
  Labels labels;
  std::optional<Algorithm> algorithm{};  ///< none: that of all
};

/// All that flags say of how exchanges reach the endpoints of one service.
struct ClusterTerms {
  BalancerTerms balancer{};
  std::vector<SubsetTerms> subsets{};  ///< those that routes name too
  PoolTerms pool{};
  std::optional<HealthTerms> health{};
  std::optional<EjectionTerms> ejection{};
  CapTerms caps{};
  bool capsSimulated = false;
  std::optional<RetryBudgetTerms> budget{};
};

/// The endpoints of one service and what chooses, caps and judges them. Made with the snapshot and immutable; what it
/// counts is the `states`', and so outlives it. Any thread.
class Cluster {
 public:
  /// `endpoints` have ports. `now`: since when those are known that nobody knew.
  Cluster(const std::string& service, ClusterTerms terms, std::vector<Endpoint> endpoints, EndpointStates& states,
          Dice& dice, Monotonic now);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  const Balancer& all() const { return *all_; }
  /// Of the endpoints that carry these labels; null where the terms name no such subset. One without endpoints picks
  /// none.
  const Balancer* subset(const Labels& labels) const;
  const Caps& caps() const { return caps_; }
  /// Null: repeats are not bounded by one, since none are sent.
  const RetryBudget* budget() const { return budget_ ? &*budget_ : nullptr; }
  const ClusterTerms& terms() const { return terms_; }
  const ServiceState& state() const { return *service_; }

 private:
  const ClusterTerms terms_;
  const std::shared_ptr<ServiceState> service_;
  const Caps caps_;
  std::optional<const RetryBudget> budget_;
  std::unique_ptr<const Balancer> all_;
  std::vector<std::pair<Labels, std::unique_ptr<const Balancer>>> subsets_;
};

}  // namespace loam::upstream
