#include "rollout/fleet/ground.h"

#include <algorithm>
#include <map>

namespace loam::fleet {

namespace {

/// What nobody looked at counts as plaintext: it was.
features::CallerRecord recordOf(const graph::Edge& edge) {
  features::CallerRecord record;
  record.name = edge.source;
  record.connections = edge.counts.connections;
  record.mutual = edge.security.mutual;
  record.local = edge.security.local;
  record.lastPlaintext = std::max(edge.security.lastPlaintext, edge.security.lastUnasked);
  if (!edge.security.reasons.empty()) record.reason = edge.security.reasons.front().state;
  record.firstSeen = edge.firstSeen;
  record.lastSeen = edge.lastSeen;
  return record;
}

void merge(features::CallerRecord& sum, const features::CallerRecord& one) {
  sum.connections += one.connections;
  sum.mutual += one.mutual;
  sum.local += one.local;
  if (one.lastPlaintext >= sum.lastPlaintext) sum.reason = one.reason;
  sum.lastPlaintext = std::max(sum.lastPlaintext, one.lastPlaintext);
  sum.firstSeen = std::min(sum.firstSeen, one.firstSeen);
  sum.lastSeen = std::max(sum.lastSeen, one.lastSeen);
}

/// What keeps a proxy from having the flag; empty: nothing.
std::string against(const Carrier* carrier, const std::string& name, const flags::Flag& flag,
                    std::string_view capability) {
  if (carrier == nullptr || carrier->silent) return name + " is silent";
  if (!std::binary_search(carrier->capabilities.begin(), carrier->capabilities.end(), capability, std::less<>()))
    return name + " does not know " + std::string(capability);
  if (carrier->killed) return name + " was killed on its host";
  if (carrier->acknowledged < flag.revision) return name + " has not acknowledged " + flag.stage;
  return "";
}

features::InstanceRecord recordOf(const graph::Instance& instance, const flags::Flag& flag, std::string_view capability,
                                  const std::vector<Carrier>& carriers) {
  features::InstanceRecord record{instance.address, {}};
  if (instance.proxies.empty()) record.against.emplace_back("it has no proxy");
  for (const std::string& name : instance.proxies) {
    const auto found = std::lower_bound(carriers.begin(), carriers.end(), name,
                                        [](const Carrier& one, const std::string& key) { return one.name < key; });
    const bool known = found != carriers.end() && found->name == name;
    const std::string why = against(known ? &*found : nullptr, name, flag, capability);
    if (!why.empty()) record.against.push_back(why);
  }
  return record;
}

}  // namespace

std::vector<features::CallerRecord> callerRecordsOf(const graph::Graph& record, const std::string& service) {
  std::map<std::string, features::CallerRecord> byName;
  for (const graph::Edge& edge : record.edges) {
    if (edge.target != service) continue;
    const features::CallerRecord one = recordOf(edge);
    const auto [place, fresh] = byName.try_emplace(edge.source, one);
    if (!fresh) merge(place->second, one);
  }
  std::vector<features::CallerRecord> callers;
  for (auto& [name, caller] : byName) {
    // The mean gap: the longest was no shorter.
    if (caller.connections > 1)
      caller.gap = (caller.lastSeen - caller.firstSeen) / static_cast<std::int64_t>(caller.connections - 1);
    callers.push_back(std::move(caller));
  }
  return callers;
}

features::Ground groundOf(const flags::Flag& before, const Sight& sight, const graph::Graph& record, std::int64_t now) {
  features::Ground ground;
  ground.now = now;
  ground.callers = callerRecordsOf(record, before.cell.service);
  for (const graph::Coverage& proxy : record.header.coverage) {
    ground.since = ground.since == 0 ? proxy.firstReport : std::min(ground.since, proxy.firstReport);
    const std::uint64_t percent = static_cast<std::uint64_t>(std::clamp(proxy.share, 0.0, 1.0) * 100);
    if (percent < 99)
      ground.missing.push_back(proxy.proxy + " reported on " + std::to_string(percent) + " % of its time");
  }
  const features::Feature* feature = features::find(before.cell.feature);
  const auto rung = feature == nullptr ? std::nullopt : feature->rung(before.stage);
  const std::string_view capability = rung ? feature->ladder[*rung].capability : std::string_view();
  const auto place = sight.topology->services.find(before.cell.service);
  if (place == sight.topology->services.end()) return ground;
  for (const graph::Instance& instance : place->second.instances) {
    const auto address = SocketAddress::parse(instance.address);
    if (address && address->ip.isLoopback()) continue;  // what goes there never leaves its host
    ground.instances.push_back(recordOf(instance, before, capability, *sight.carriers));
  }
  return ground;
}

}  // namespace loam::fleet
