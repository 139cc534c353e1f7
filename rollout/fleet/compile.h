#pragma once

#include <set>
#include <string>
#include <vector>

#include "proxy/wire/snapshot.h"
#include "rollout/flags/desired.h"
#include "rollout/fleet/topology.h"

namespace loam::fleet {

/// A stage that a proxy does not get because it does not know it: to it the feature is off.
struct Withheld {
  std::string service;
  std::string capability;

  bool operator==(const Withheld&) const = default;
};

/// One flag as a proxy gets it; nothing where it is what every proxy does by itself.
std::optional<wire::FeatureConfig> compile(const flags::Flag& flag);

/// The services that the routes of this one send exchanges to, in the order of its rules; one may stand there twice.
std::vector<std::string> routedFrom(const std::string& service, const flags::Desired& desired);

/// What proxies are told of one service. `capabilities`: of the proxy, sorted; what it lacks goes to `withheld`. Where
/// a stage goes by units that the record knows one by one, and they are few, its share is told as names.
wire::ServiceConfig compile(const std::string& service, const Place& place, const flags::Desired& desired,
                            const std::vector<std::string>& capabilities, std::vector<Withheld>& withheld);

/// Flags of every service.
std::vector<wire::FeatureConfig> compileDefaults(const flags::Desired& desired,
                                                 const std::vector<std::string>& capabilities,
                                                 std::vector<Withheld>& withheld);

/// The whole of it for one proxy that carries connections to `services`; those that the topology does not know are left
/// out. Pure: the same inputs give the same snapshot.
wire::Snapshot compile(const std::string& proxy, const std::set<std::string>& services, const Topology& topology,
                       const flags::Desired& desired, const std::vector<std::string>& capabilities,
                       std::vector<Withheld>& withheld);

}  // namespace loam::fleet
