// What the record tells of one service's callers, for who asks a feature about them.
#include "shadow/record/calls.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "proxy/relay/security.h"
#include "shadow/graph/assemble.h"
#include "shadow/record/recorder.h"

namespace loam::record {

namespace {

constexpr std::size_t kMostCells = 200'000;  // buckets times flows that are read of one window

bool isMeant(const std::string& wanted, const std::string& name, const SocketAddress& address) {
  return wanted == name || wanted == graph::stableId({"node", name}) || wanted == address.text();
}

struct Named {
  graph::Names::Choice caller;
  Usage usage;
};

/// Who the caller's proxy proved to be; empty for plaintext, and where several did.
std::string callerIdentity(const graph::MergedFlow& merged) {
  if (merged.flow.security != relay::text({relay::Security::State::Mutual, 0})) return {};
  std::string found;
  for (const graph::PeerIdentity& peer : merged.identities) {
    if (peer.side != "caller" || peer.identity == wire::kOtherIdentity) continue;
    if (!found.empty()) return {};
    found = peer.identity;
  }
  return found;
}

Named nameCall(const graph::MergedFlow& merged, const graph::Names& names) {
  const graph::Flow& flow = merged.flow;
  const std::string scope = graph::scopeOf(flow.client, flow.destination.ip, flow.proxy);
  Named named{names.caller(scope, flow.client, flow.prefix, flow.owner), {}};
  Call& call = named.usage.call;
  call.caller = named.caller.name;
  call.client = flow.client;
  call.prefix = flow.prefix;
  call.destination = flow.destination;
  call.connections = merged.tally.counts.connections;
  call.firstSeen = flow.firstSeen;
  call.lastSeen = flow.lastSeen;
  call.captured = flow.captured;
  call.identity = callerIdentity(merged);
  named.usage.protocol = flow.protocol;
  named.usage.security = flow.security;
  return named;
}

/// What differs in what no connection filter sees (protocol, TLS, owner) is one call.
std::vector<Call> addUp(const std::vector<Usage>& usages) {
  std::map<std::tuple<std::string, IpAddress, std::uint8_t, SocketAddress, std::string, bool>, Call> sums;
  for (const Usage& usage : usages) {
    const Call& call = usage.call;
    const auto key = std::tuple(call.caller, call.client, call.prefix, call.destination, call.identity, call.captured);
    const auto [at, fresh] = sums.try_emplace(key, call);
    if (fresh) continue;
    Call& sum = at->second;
    sum.connections += call.connections;
    sum.firstSeen = std::min(sum.firstSeen, call.firstSeen);
    sum.lastSeen = std::max(sum.lastSeen, call.lastSeen);
  }
  std::vector<Call> out;
  for (auto& [key, call] : sums) out.push_back(std::move(call));
  return out;
}

/// An address that two names are known to call from is nobody's.
std::vector<Usage> believe(std::vector<Named> named) {
  std::map<IpAddress, std::set<std::string>> at;
  for (const Named& one : named) {
    const Call& call = one.usage.call;
    if (call.prefix == 128 && one.caller.source != "address") at[call.client].insert(one.caller.name);
  }
  std::vector<Usage> usages;
  for (Named& one : named) {
    Call& call = one.usage.call;
    const auto found = at.find(call.client);
    const bool isOne = call.prefix == 128 && found != at.end() && found->second.size() == 1;
    if (isOne) call.believed = *found->second.begin();
    usages.push_back(std::move(one.usage));
  }
  return usages;
}

double shareCaptured(const std::vector<Call>& calls) {
  std::uint64_t captured = 0;
  std::uint64_t all = 0;
  for (const Call& call : calls) {
    const std::uint64_t weight = std::max<std::uint64_t>(1, call.connections);
    all += weight;
    if (call.captured) captured += weight;
  }
  return all == 0 ? 1 : static_cast<double>(captured) / static_cast<double>(all);
}

}  // namespace

Result<Calls> Recorder::calls(graph::Window window, const std::string& service) const {
  auto gathered = gather(window, false);
  if (!gathered) return fail(std::move(gathered).error());
  auto traffic = trafficOf(*gathered, service);
  if (!traffic) return fail(std::move(traffic).error());
  return std::move(traffic->calls);
}

Result<Traffic> Recorder::traffic(graph::Window window, const std::string& service, bool moments) const {
  auto gathered = gather(window, true);
  if (!gathered) return fail(std::move(gathered).error());
  auto traffic = trafficOf(*gathered, service);
  if (!traffic || !moments) return traffic;
  auto found = momentsOf(*gathered, service);
  if (!found) return fail(std::move(found).error());
  traffic->moments = *std::move(found);
  return traffic;
}

Result<Traffic> Recorder::trafficOf(Gathered& gathered, const std::string& service) {
  const graph::Names& names = *gathered.names;
  Traffic traffic;
  Calls& out = traffic.calls;
  out.header = gathered.header;
  bool isKnown = false;
  std::vector<Named> named;
  for (graph::MergedFlow& merged : gathered.flows) {
    const graph::Flow& flow = merged.flow;
    const std::string scope = graph::scopeOf(flow.client, flow.destination.ip, flow.proxy);
    Named one = nameCall(merged, names);
    isKnown = isKnown || isMeant(service, one.usage.call.caller, {flow.client, 0});
    const std::string target = names.server(scope, flow.destination).name;
    if (!isMeant(service, target, flow.destination)) continue;
    out.service = target;
    one.usage.tally = std::move(merged.tally);
    named.push_back(std::move(one));
  }
  auto verdicts = gathered.state->verdicts(out.header.window);
  if (!verdicts) return fail(std::move(verdicts).error());
  for (VerdictSum& sum : *verdicts) {
    const std::string target = names.server(sum.scope, sum.destination).name;
    if (!isMeant(service, target, sum.destination)) continue;
    out.service = target;
    out.verdicts.push_back({names.caller(sum.scope, sum.client, 128, std::nullopt).name, std::move(sum)});
  }
  std::sort(out.verdicts.begin(), out.verdicts.end());
  if (out.service.empty() && !isKnown) {
    return fail(ErrorCode::NotFound, "no service is called \"" + service.substr(0, 128) + "\" in this window");
  }
  if (out.service.empty()) out.service = service;
  traffic.usages = believe(std::move(named));
  out.calls = addUp(traffic.usages);
  out.header.capturedShare = shareCaptured(out.calls);
  return traffic;
}

/// Each bucket is merged by itself, as a window of its own.
Result<std::vector<Moment>> Recorder::momentsOf(Gathered& gathered, const std::string& service) {
  const graph::Names& names = *gathered.names;
  auto all = gathered.state->flows();
  if (!all) return fail(std::move(all).error());
  std::map<std::int64_t, graph::Flow> flows;
  std::set<std::string> seers;
  for (graph::Flow& flow : *all) {
    const std::string scope = graph::scopeOf(flow.client, flow.destination.ip, flow.proxy);
    if (!isMeant(service, names.server(scope, flow.destination).name, flow.destination)) continue;
    seers.insert(flow.proxy);
    flows.emplace(flow.id, std::move(flow));
  }
  std::vector<std::int64_t> ids;
  for (const auto& [id, flow] : flows) ids.push_back(id);
  std::vector<graph::ProxyState> proxies;
  for (const graph::ProxyState& proxy : gathered.proxies) {
    if (seers.contains(proxy.name)) proxies.push_back(proxy);
  }
  auto slices = gathered.state->slices(gathered.header.window, ids, kMostCells);
  if (!slices) return fail(std::move(slices).error());
  std::vector<Moment> moments;
  for (Slice& slice : *slices) {
    std::vector<graph::FlowSum> rows;
    for (auto& [id, tally] : slice.flows) {
      if (const auto flow = flows.find(id); flow != flows.end()) rows.push_back({flow->second, std::move(tally), 0});
    }
    const graph::Window window{slice.from, slice.from + slice.length};
    auto merged = merge(*gathered.state, std::move(rows), proxies, window, false);
    if (!merged) return fail(std::move(merged).error());
    for (graph::MergedFlow& one : *merged) {
      const Usage usage = nameCall(one, names).usage;
      one.tally.counts.latency = {};
      moments.push_back({slice.from, slice.length, usage.call.caller, usage.call.client, usage.call.prefix,
                         usage.call.destination, usage.protocol, one.tally.counts});
    }
  }
  return moments;
}

}  // namespace loam::record
