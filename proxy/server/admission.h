#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/filter/connection_filter.h"
#include "proxy/filters/connection_counts.h"
#include "proxy/filters/source_share.h"
#include "proxy/wire/snapshot.h"

namespace loam::server {

/// The connection filters that the features of a service ask for, in the order in which they are asked. A policy all of
/// whose rules act on exchanges has none, nor have rate limits without caps on connections, which `ledger` counts.
/// InvalidArgument names the settings that cannot be read.
Result<std::vector<std::unique_ptr<const filter::ConnectionFilter>>> admissionOf(const wire::ServiceConfig& service,
                                                                                 filters::ServiceLedger& ledger);

/// For whom the feature's stage holds, where its percentage is of sources.
filters::SourceShare shareOf(const wire::FeatureConfig& feature);

/// What these are made of, so that two snapshots can be compared; empty where there are none.
std::string rulesOf(const wire::ServiceConfig& service);

}  // namespace loam::server
