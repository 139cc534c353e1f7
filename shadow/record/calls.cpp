// What the record tells of one service's callers, for who asks a connection filter about them.
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

bool isMeant(const std::string& wanted, const std::string& name, const SocketAddress& address) {
  return wanted == name || wanted == graph::stableId({"node", name}) || wanted == address.text();
}

struct Named {
  graph::Names::Choice caller;
  Call call;
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
  named.call.caller = named.caller.name;
  named.call.client = flow.client;
  named.call.prefix = flow.prefix;
  named.call.destination = flow.destination;
  named.call.connections = merged.tally.counts.connections;
  named.call.firstSeen = flow.firstSeen;
  named.call.lastSeen = flow.lastSeen;
  named.call.captured = flow.captured;
  named.call.identity = callerIdentity(merged);
  return named;
}

/// What differs in what no connection filter sees (protocol, TLS, owner) is one call.
std::vector<Call> addUp(std::vector<Call> calls) {
  std::map<std::tuple<std::string, IpAddress, std::uint8_t, SocketAddress, std::string, bool>, Call> sums;
  for (Call& call : calls) {
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
std::vector<Call> believe(std::vector<Named> named) {
  std::map<IpAddress, std::set<std::string>> at;
  for (const Named& one : named) {
    if (one.call.prefix == 128 && one.caller.source != "address") at[one.call.client].insert(one.caller.name);
  }
  std::vector<Call> calls;
  for (Named& one : named) {
    const auto found = at.find(one.call.client);
    const bool isOne = one.call.prefix == 128 && found != at.end() && found->second.size() == 1;
    if (isOne) one.call.believed = *found->second.begin();
    calls.push_back(std::move(one.call));
  }
  return addUp(std::move(calls));
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
  const graph::Names& names = *gathered->names;
  Calls out;
  out.header = std::move(gathered->header);
  bool isKnown = false;
  std::vector<Named> named;
  for (const graph::MergedFlow& merged : gathered->flows) {
    const graph::Flow& flow = merged.flow;
    const std::string scope = graph::scopeOf(flow.client, flow.destination.ip, flow.proxy);
    Named one = nameCall(merged, names);
    isKnown = isKnown || isMeant(service, one.call.caller, {flow.client, 0});
    const std::string target = names.server(scope, flow.destination).name;
    if (!isMeant(service, target, flow.destination)) continue;
    out.service = target;
    named.push_back(std::move(one));
  }
  auto verdicts = gathered->state->verdicts(out.header.window);
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
  out.calls = believe(std::move(named));
  out.header.capturedShare = shareCaptured(out.calls);
  return out;
}

}  // namespace loam::record
