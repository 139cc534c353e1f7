#include "proxy/server/admission.h"

#include <utility>

#include "proxy/filters/caps_filter.h"
#include "proxy/filters/policy_filter.h"

namespace loam::server {

namespace {

using Filter = std::unique_ptr<const filter::ConnectionFilter>;

/// Null where the feature has none.
Result<Filter> filterOf(const wire::FeatureConfig& config, const std::string& service, filters::ServiceLedger& ledger) {
  if (config.feature == "policy") {
    auto policy = filters::PolicyFilter::make(config.stage, shareOf(config), config.settings);
    if (!policy) return fail(std::move(policy).error());
    return Filter(*std::move(policy));
  }
  auto caps = filters::CapsFilter::make(config.stage, shareOf(config), config.settings, ledger.of(service));
  if (!caps) return fail(std::move(caps).error());
  return Filter(*std::move(caps));
}

bool isOn(const wire::FeatureConfig& config) {
  return (config.feature == "policy" || config.feature == "rate_limit") && config.stage != "off";
}

}  // namespace

Result<std::vector<Filter>> admissionOf(const wire::ServiceConfig& service, filters::ServiceLedger& ledger) {
  std::vector<Filter> filters;
  for (const wire::FeatureConfig& config : service.features) {  // by name: what counts comes last
    if (!isOn(config)) continue;
    auto filter = filterOf(config, service.name, ledger);
    if (!filter) {
      Error error = std::move(filter).error();
      error.context.insert(0, "settings of " + config.feature + " for " + service.name + ": ");
      return fail(std::move(error));
    }
    if (*filter) filters.push_back(*std::move(filter));
  }
  return filters;
}

filters::SourceShare shareOf(const wire::FeatureConfig& feature) {
  return {.share = feature.share, .salt = feature.salt, .include = feature.include, .exclude = feature.exclude};
}

std::string rulesOf(const wire::ServiceConfig& service) {
  std::vector<wire::FeatureConfig> on;
  for (const wire::FeatureConfig& config : service.features) {
    if (isOn(config)) on.push_back(config);
  }
  return on.empty() ? std::string() : wire::encode(on);
}

}  // namespace loam::server
