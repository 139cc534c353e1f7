#pragma once

#include "proxy/filters/connection_counts.h"
#include "proxy/filters/service_clusters.h"
#include "proxy/wire/snapshot.h"

namespace loam::server {

/// The flag of the service itself, else that of every service; null where it is off.
const wire::FeatureConfig* configOf(const wire::ServiceConfig& service,
                                    const std::vector<wire::FeatureConfig>& defaults, std::string_view feature);

/// The endpoints of the services of a snapshot whose flags ask that somebody chooses among them, or that routes of
/// others name; what is known of them is in `ledger`. InvalidArgument and Unsupported name the settings.
Result<filters::ClusterMap> clustersOf(const wire::Snapshot& snapshot, filters::ServiceLedger& ledger);

}  // namespace loam::server
