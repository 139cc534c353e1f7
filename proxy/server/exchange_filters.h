#pragma once

#include <optional>
#include <vector>

#include "proxy/filter/http_filter.h"
#include "proxy/filters/cluster_filter.h"
#include "proxy/filters/connection_counts.h"
#include "proxy/wire/snapshot.h"

namespace loam::server {

/// The filters that served exchanges of one service go through, outside in (DESIGN section 4), by where this proxy
/// stands on their way.
struct ExchangeFilters {
  filter::HttpFilters atCallee;                                 ///< beside the service
  filter::HttpFilters atCaller;                                 ///< beside who calls it, or in the middle
  bool callerRepeats = false;                                   ///< one of those may ask for another sending
  std::optional<filters::ClusterFilter::Balancing> balanced{};  ///< for which connections endpoints are chosen
};

/// What the features of the service, and those of every service that it says nothing else of, ask for. A fault is
/// done where the service's own proxy stands, else beside the caller, so that it is done once. InvalidArgument names
/// the settings that cannot be read.
/// What rate limits and retries count is in `ledger`, the endpoints to choose among in `clusters`.
Result<ExchangeFilters> exchangeFiltersOf(const wire::ServiceConfig& service,
                                          const std::vector<wire::FeatureConfig>& defaults,
                                          filters::ServiceLedger& ledger, const filters::ClusterMap& clusters);

}  // namespace loam::server
