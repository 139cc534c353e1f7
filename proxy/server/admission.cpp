#include "proxy/server/admission.h"

#include <unordered_set>
#include <utility>

#include "proxy/filters/policy_filter.h"
#include "proxy/filters/settings.h"

namespace loam::server {

namespace {

using Filters = std::vector<std::unique_ptr<const filter::ConnectionFilter>>;

Status addPolicy(const wire::FeatureConfig& config, const std::string& service, Filters& filters) {
  std::vector<FieldProblem> problems;
  // That they are in use was the controller's to judge: here they are only to be understood.
  auto settings = filters::read<filters::PolicySettings>(config.settings, problems, filters::Purpose::Keep);
  if (!problems.empty()) {
    return fail(ErrorCode::InvalidArgument, "settings of policy for " + service + ": " + text(problems));
  }
  if (!settings.actsOnConnections()) return {};
  const auto stage =
      config.stage == "enforce" ? filters::PolicyFilter::Stage::Enforce : filters::PolicyFilter::Stage::Simulate;
  filters::SourceShare share{
      .share = config.share, .salt = config.salt, .include = config.include, .exclude = config.exclude};
  filters.push_back(std::make_unique<filters::PolicyFilter>(std::move(settings), stage, std::move(share)));
  return {};
}

}  // namespace

Result<Filters> admissionOf(const wire::ServiceConfig& service) {
  Filters filters;
  for (const wire::FeatureConfig& config : service.features) {
    if (config.feature == "policy" && config.stage != "off") LOAM_TRY(addPolicy(config, service.name, filters));
  }
  return filters;
}

std::unordered_map<IpAddress, std::string> callersOf(const wire::ServiceConfig& service) {
  std::unordered_map<IpAddress, std::string> callers;
  std::unordered_set<IpAddress> shared;
  for (const wire::Caller& caller : service.callers) {
    for (const IpAddress& address : caller.addresses) {
      const auto [at, fresh] = callers.try_emplace(address, caller.name);
      if (fresh || at->second == caller.name || caller.name == address.text()) continue;
      if (at->second != address.text()) shared.insert(address);
      at->second = caller.name;
    }
  }
  for (const IpAddress& address : shared) callers.erase(address);
  return callers;
}

}  // namespace loam::server
