#pragma once

#include <optional>
#include <vector>

#include "proxy/filter/http_filter.h"
#include "proxy/filters/cluster_filter.h"
#include "proxy/filters/connection_counts.h"
#include "proxy/wire/snapshot.h"

namespace loam::server {

/// Filters that are asked what they would do with exchanges (HttpFilter::simulate), outside in.
struct Simulated {
  std::vector<const filter::HttpFilter*> relayed;  ///< of connections that are relayed
  std::vector<const filter::HttpFilter*> served;   ///< of served ones, besides those that they go through

  bool any() const { return !relayed.empty() || !served.empty(); }
};

/// The filters that served exchanges of one service go through, outside in (DESIGN section 4), and those that are only
/// asked, by where this proxy stands on their way.
struct ExchangeFilters {
  filter::HttpFilters atCallee;  ///< beside the service
  filter::HttpFilters atCaller;  ///< beside who calls it, or in the middle
  filter::HttpFilters beside;    ///< that no exchange goes through
  Simulated ofCallee;            ///< among all three
  Simulated ofCaller;
  bool callerRepeats = false;             ///< one beside callers may ask for another sending
  std::optional<milliseconds> connect{};  ///< beside callers: how long a server is dialled for all that is served
  std::optional<filters::ClusterFilter::Balancing> balanced{};  ///< for which connections endpoints are chosen

  bool simulate() const { return ofCallee.any() || ofCaller.any(); }
};

/// What the features of the service, and those of every service that it says nothing else of, ask for. A fault is
/// done where the service's own proxy stands, else beside the caller, so that it is done once; timeouts are simulated
/// so, that they are counted once. InvalidArgument names the settings that cannot be read.
/// What rate limits and retries count is in `ledger`, the endpoints to choose among in `clusters`.
Result<ExchangeFilters> exchangeFiltersOf(const wire::ServiceConfig& service,
                                          const std::vector<wire::FeatureConfig>& defaults,
                                          filters::ServiceLedger& ledger, const filters::ClusterMap& clusters);

}  // namespace loam::server
