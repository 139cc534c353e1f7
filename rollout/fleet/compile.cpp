#include "rollout/fleet/compile.h"

#include <algorithm>

#include "proxy/filters/routing.h"
#include "proxy/filters/settings.h"
#include "rollout/fleet/units.h"

namespace loam::fleet {

namespace {

/// Whether a proxy has to know who calls to carry the stage out; rules of a policy name callers from `simulate` on.
bool asksWhoCalls(const features::Feature& feature, const features::Stage& stage) {
  const bool bySource = stage.unit == features::Unit::Source || stage.unit == features::Unit::SourceIdentity;
  return bySource || (feature.name == "policy" && stage.name != "off");
}

/// The flag as one who has these capabilities may get it.
std::optional<wire::FeatureConfig> compileFor(const flags::Flag& flag, const Place& place,
                                              const std::vector<std::string>& capabilities,
                                              std::vector<Withheld>& withheld) {
  const features::Feature* feature = features::find(flag.cell.feature);
  const auto rung = feature == nullptr ? std::nullopt : feature->rung(flag.stage);
  if (!rung) return std::nullopt;  // written by a later version: no proxy is told what this one cannot judge
  for (const std::string_view capability : features::capabilitiesFor(*feature, feature->ladder[*rung], flag.settings)) {
    if (std::binary_search(capabilities.begin(), capabilities.end(), capability)) continue;
    withheld.push_back({flag.cell.service, std::string(capability)});
    flags::Flag off = flag;
    off.stage = "off";
    return feature->initial == "off" ? std::nullopt : compile(off);
  }
  auto config = compile(flag);
  if (config) nameUnits(flag, unitsOf(feature->ladder[*rung].unit, place), *config);
  return config;
}

/// Whether one of those that the proxy got asks who calls.
bool asksWhoCalls(const std::vector<wire::FeatureConfig>& configs) {
  return std::any_of(configs.begin(), configs.end(), [](const wire::FeatureConfig& config) {
    const features::Feature* feature = features::find(config.feature);
    const auto rung = feature == nullptr ? std::nullopt : feature->rung(config.stage);
    return rung && asksWhoCalls(*feature, feature->ladder[*rung]);
  });
}

/// Whether it matters which proxies stand beside the service: they are its peers, or a fault is theirs to do.
bool asksForProxies(const std::vector<wire::FeatureConfig>& configs) {
  return std::any_of(configs.begin(), configs.end(), [](const wire::FeatureConfig& config) {
    return (config.feature == "mtls" || config.feature == "fault") && config.stage != "off";
  });
}

}  // namespace

std::optional<wire::FeatureConfig> compile(const flags::Flag& flag) {
  const features::Feature* feature = features::find(flag.cell.feature);
  if (feature == nullptr || flag.revision == 0 || (flag.isOff() && feature->initial == "off")) return std::nullopt;
  wire::FeatureConfig config;
  config.feature = flag.cell.feature;
  config.stage = flag.stage;
  config.share = flag.share;
  config.salt = flag.salt;
  config.include = flag.include;
  config.exclude = flag.exclude;
  if (!flag.isOff()) config.settings = feature->complete(flag.settings);
  return config;
}

std::vector<std::string> routedFrom(const std::string& service, const flags::Desired& desired) {
  const auto flag = desired.flags.find({service, "routing"});
  if (flag == desired.flags.end() || flag->second.isOff()) return {};
  std::vector<FieldProblem> seenBefore;
  const auto routing =
      filters::read<filters::RoutingSettings>(flag->second.settings, seenBefore, filters::Purpose::Keep);
  std::vector<std::string> services;
  for (const filters::RoutingRule& rule : routing.rules) {
    for (const filters::Destination& to : rule.to) {
      if (!to.service.empty() && to.service != service) services.push_back(to.service);
    }
  }
  return services;
}

wire::ServiceConfig compile(const std::string& service, const Place& place, const flags::Desired& desired,
                            const std::vector<std::string>& capabilities, std::vector<Withheld>& withheld) {
  wire::ServiceConfig config;
  config.name = service;
  config.endpoints = place.endpoints;
  config.captured = desired.service(service).captured;
  config.pin = place.pin;
  for (auto flag = desired.flags.lower_bound({service, ""});
       flag != desired.flags.end() && flag->first.service == service; ++flag) {
    if (auto compiled = compileFor(flag->second, place, capabilities, withheld)) {
      config.features.push_back(*std::move(compiled));
    }
  }
  if (asksWhoCalls(config.features)) config.callers = place.callers;
  if (asksForProxies(config.features)) config.proxies = place.proxies();
  return config;
}

std::vector<wire::FeatureConfig> compileDefaults(const flags::Desired& desired,
                                                 const std::vector<std::string>& capabilities,
                                                 std::vector<Withheld>& withheld) {
  static const Place kNowhere;
  return compile(std::string(flags::kEveryService), kNowhere, desired, capabilities, withheld).features;
}

wire::Snapshot compile(const std::string& proxy, const std::set<std::string>& services, const Topology& topology,
                       const flags::Desired& desired, const std::vector<std::string>& capabilities,
                       std::vector<Withheld>& withheld) {
  wire::Snapshot snapshot;
  snapshot.proxy = proxy;
  snapshot.defaults = compileDefaults(desired, capabilities, withheld);
  for (const std::string& service : services) {
    const auto place = topology.services.find(service);
    if (place == topology.services.end()) continue;
    snapshot.services.push_back(compile(service, place->second, desired, capabilities, withheld));
  }
  return snapshot;
}

}  // namespace loam::fleet
