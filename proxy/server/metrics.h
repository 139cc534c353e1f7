#pragma once

#include <prometheus/metric_family.h>

#include <functional>
#include <string>
#include <vector>

#include "proxy/server/counters.h"

namespace loam::server {

using MetricFamilies = std::vector<prometheus::MetricFamily>;
/// Adds families to a scrape; called on the admin thread.
using Collector = std::function<void(MetricFamilies&)>;

/// Adds one counter or gauge without labels.
void addCounter(MetricFamilies& families, std::string name, std::string help, double value);
void addGauge(MetricFamilies& families, std::string name, std::string help, double value);

/// The workers' counters, summed.
void collectWorkers(const std::vector<const Counters*>& workers, MetricFamilies& families);

/// Prometheus text exposition of what the collectors give, in their order.
std::string renderMetrics(const std::vector<Collector>& collectors);

}  // namespace loam::server
