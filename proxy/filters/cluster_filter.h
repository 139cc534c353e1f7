#pragma once

#include <memory>
#include <optional>

#include "proxy/filter/http_filter.h"
#include "proxy/filters/balancing.h"
#include "proxy/filters/connection_share.h"
#include "proxy/filters/service_clusters.h"

namespace loam::filters {

/// Balancing and circuit breaking of one service at its callers' side: which of its endpoints an exchange goes to,
/// whether one more may be under way, and what comes of it for the endpoint's standing. Each sending is asked for anew.
class ClusterFilter final : public filter::HttpFilter {
 public:
  /// How endpoints are chosen, for which connections; none: each goes where its client wanted to.
  struct Balancing {
    ConnectionShare share;
    std::optional<HashKey> hash{};
  };

  ClusterFilter(std::optional<Balancing> balancing, std::shared_ptr<const ServiceClusters> clusters)
      : balancing_(std::move(balancing)), clusters_(std::move(clusters)) {}

  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override;

 private:
  io::Task<Result<filter::Response>> through(const upstream::Cluster& cluster, filter::Exchange& exchange,
                                             filter::Next next) const;
  bool balances(const filter::Exchange& exchange) const;
  /// The place of the endpoint that is to get it; else the answer that says why there is none.
  tl::expected<std::optional<std::size_t>, filter::OwnAnswer> placeFor(const upstream::Cluster& cluster,
                                                                       const filter::Exchange& exchange) const;

  const std::optional<Balancing> balancing_;
  const std::shared_ptr<const ServiceClusters> clusters_;
};

/// Tells the endpoint what came of a sending to it.
void noteOutcome(filter::Exchange& exchange, const Result<filter::Response>& came);

}  // namespace loam::filters
