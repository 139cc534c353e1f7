#include "shadow/graph/merge.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace loam::graph {

namespace {

constexpr std::int64_t kBucket = wire::kBucketSeconds;

std::int64_t floorBucket(std::int64_t seconds) { return seconds - seconds % kBucket; }

bool isInventory(const Flow& flow) { return !flow.captured || flow.vantage == "inventory"; }

auto endpointsOf(const Flow& flow) {
  return std::tuple(scopeOf(flow.client, flow.destination.ip, flow.proxy), flow.client, flow.prefix, flow.destination);
}

std::uint64_t weightOf(const Tally& tally) { return tally.counts.connections + tally.counts.requests; }

/// Best first: the greater total, then the vantage that knows more.
int preference(const std::string& vantage) {
  return vantage == "outbound" ? 0 : vantage == "inbound" ? 1 : vantage == "explicit" ? 2 : 3;
}

/// Whether the proxy that captured it stands at the callee's side: what came in did, and what never left its host.
bool standsAtCallee(const Flow& flow) {
  if (isInventory(flow)) return false;
  const IpAddress& server = flow.destination.ip;
  return flow.vantage == "inbound" || flow.client == server || (flow.client.isLoopback() && server.isLoopback());
}

bool isKnown(const std::optional<wire::Owner>& owner) { return owner && !(owner->unit.empty() && owner->exe.empty()); }

}  // namespace

Merger::Merger(std::vector<FlowSum> rows, const std::vector<ProxyState>& proxies, Window window)
    : rows_(std::move(rows)), window_(window), fills_(rows_.size()) {
  for (const FlowSum& row : rows_) {
    const Flow& flow = row.flow;
    weights_.push_back(weightOf(row.tally));
    seen_.push_back({row.tally.counts.connections, row.tally.counts.denied});
    if ((flow.captured && flow.vantage == "outbound") || isKnown(flow.owner))
      hosts_.emplace(scopeOf(flow.client, flow.destination.ip, flow.proxy), flow.client);
  }
  for (const ProxyState& proxy : proxies) {
    std::vector<Span>& buckets = covered_[proxy.name];
    for (const Span& span : proxy.covered) {
      const Span touched{floorBucket(span.from / 1000), floorBucket((span.to + kBucket * 1000 - 1) / 1000)};
      if (!buckets.empty() && touched.from <= buckets.back().to) {
        buckets.back().to = std::max(buckets.back().to, touched.to);
      } else {
        buckets.push_back(touched);
      }
    }
  }
  std::set<decltype(endpointsOf(rows_.front().flow))> captured;
  for (const FlowSum& row : rows_) {
    if (!isInventory(row.flow)) captured.insert(endpointsOf(row.flow));
  }
  std::map<std::pair<decltype(endpointsOf(rows_.front().flow)), std::string>, Pair> byPair;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Flow& flow = rows_[i].flow;
    if (isInventory(flow) && captured.contains(endpointsOf(flow))) continue;
    byPair[{endpointsOf(flow), flow.protocol}].push_back(i);
  }
  for (auto& [key, pair] : byPair) {
    std::sort(pair.begin(), pair.end(),
              [&](std::size_t a, std::size_t b) { return rows_[a].flow.id < rows_[b].flow.id; });
    choose(pair);
    pairs_.push_back(std::move(pair));
  }
}

std::vector<Merger::Group> Merger::groupsOf(const Pair& pair) const {
  std::map<std::string, Group> byVantage;
  for (const std::size_t row : pair) {
    const Flow& flow = rows_[row].flow;
    // Two inventories are two ends; two proxies of one vantage each see their own part.
    Group& group = byVantage[isInventory(flow) ? "inventory/" + flow.proxy : flow.vantage];
    group.vantage = isInventory(flow) ? "inventory" : flow.vantage;
    group.rows.push_back(row);
    group.total += weightOf(rows_[row].tally);
    group.proxies.push_back(flow.proxy);
  }
  std::vector<Group> groups;
  for (auto& [name, group] : byVantage) {
    std::sort(group.proxies.begin(), group.proxies.end());
    group.proxies.erase(std::unique(group.proxies.begin(), group.proxies.end()), group.proxies.end());
    groups.push_back(std::move(group));
  }
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return a.total != b.total ? a.total > b.total : preference(a.vantage) < preference(b.vantage);
  });
  return groups;
}

void Merger::choose(const Pair& pair) {
  const std::vector<Group> groups = groupsOf(pair);
  counted_.push_back(groups.front().rows);
  std::vector<std::string> chosen = groups.front().proxies;
  for (std::size_t i = 1; i < groups.size() && groups[i].vantage != "inventory"; ++i) {
    for (const Window& stretch : missing(chosen, groups[i].proxies)) {
      for (const std::size_t row : groups[i].rows) ask(row, stretch);
    }
    chosen.insert(chosen.end(), groups[i].proxies.begin(), groups[i].proxies.end());
  }
}

/// The stretches of the window that `other` covers and `chosen` does not touch.
std::vector<Window> Merger::missing(const std::vector<std::string>& chosen,
                                    const std::vector<std::string>& other) const {
  std::vector<Span> taken;
  for (const std::string& proxy : chosen) {
    if (const auto at = covered_.find(proxy); at != covered_.end())
      taken.insert(taken.end(), at->second.begin(), at->second.end());
  }
  std::sort(taken.begin(), taken.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
  std::vector<Span> offered;
  for (const std::string& proxy : other) {
    if (const auto at = covered_.find(proxy); at != covered_.end())
      offered.insert(offered.end(), at->second.begin(), at->second.end());
  }
  std::sort(offered.begin(), offered.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
  std::vector<Window> out;
  std::int64_t done = window_.from;  // offers may overlap: what lies before is decided
  for (const Span& offer : offered) {
    std::int64_t at = std::max(offer.from, done);
    const std::int64_t end = std::min(offer.to, window_.to);
    for (const Span& span : taken) {
      if (span.to <= at) continue;
      if (span.from >= end) break;
      if (span.from > at) out.push_back({at, span.from});
      at = std::max(at, span.to);
    }
    if (at < end) out.push_back({at, end});
    done = std::max(done, end);
  }
  return out;
}

void Merger::ask(std::size_t row, const Window& stretch) {
  const auto [at, fresh] = stretchIds_.try_emplace({stretch.from, stretch.to}, stretches_.size());
  if (fresh) {
    stretches_.push_back(stretch);
    askedRows_.emplace_back();
  }
  askedRows_[at->second].push_back(row);
}

void Merger::fill(std::size_t index, const std::unordered_map<std::int64_t, Tally>& sums) {
  for (const std::size_t row : askedRows_[index]) {
    if (const auto at = sums.find(rows_[row].flow.id); at != sums.end()) fills_[row].merge(at->second);
  }
}

std::vector<MergedFlow> Merger::finish() && {
  std::vector<MergedFlow> out;
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const Pair& pair = pairs_[i];
    for (const std::size_t row : pair) {
      const auto& counted = counted_[i];
      if (std::find(counted.begin(), counted.end(), row) == counted.end()) rows_[row].tally = std::move(fills_[row]);
      rows_[row].tally.counts.denied = seen_[row].denied;
    }
    attribute(pair, out);
  }
  return out;
}

/// Whether somebody watches at the client's end of a pair, or on its host.
bool Merger::hasCallersProxy(const Pair& pair) const {
  const Flow& first = rows_[pair.front()].flow;
  if (first.client.isUnspecified()) return true;  // many: nobody knows
  if (hosts_.contains({scopeOf(first.client, first.destination.ip, first.proxy), first.client})) return true;
  return std::any_of(pair.begin(), pair.end(), [&](std::size_t row) {
    return !isInventory(rows_[row].flow) && rows_[row].flow.vantage != "inbound";
  });
}

/// Proxies of one vantage are added up; of two vantages that look at the same end the one that saw more counts.
std::vector<PeerIdentity> Merger::identitiesOf(const Pair& pair) const {
  std::map<std::tuple<std::string, std::string, std::string>, PeerIdentity> byVantage;
  for (const std::size_t row : pair) {
    const Flow& flow = rows_[row].flow;
    if (flow.identity.empty()) continue;
    const std::string side = flow.vantage == "inbound" ? "caller" : "callee";
    PeerIdentity& peer = byVantage[{side, flow.identity, flow.vantage}];
    peer.connections += seen_[row].connections;
    peer.lastSeen = std::max(peer.lastSeen, flow.lastSeen);
  }
  std::vector<PeerIdentity> out;
  for (auto& [key, peer] : byVantage) {
    std::tie(peer.side, peer.identity, std::ignore) = key;
    if (out.empty() || out.back().side != peer.side || out.back().identity != peer.identity) {
      out.push_back(std::move(peer));
      continue;
    }
    out.back().connections = std::max(out.back().connections, peer.connections);
    out.back().lastSeen = std::max(out.back().lastSeen, peer.lastSeen);
  }
  return out;
}

/// Turns a pair's rows into flows by owner, TLS version and security. What an end that cannot know the owner counted
/// goes to the owners that the other end saw, by their share.
void Merger::attribute(const Pair& pair, std::vector<MergedFlow>& out) const {
  MergedFlow shared;
  shared.flow = rows_[pair.front()].flow;
  std::map<wire::Owner, std::uint64_t> owners;
  std::set<std::string> vantages;
  std::set<std::string> proxies;
  std::set<std::string> calleeProxies;
  shared.callerHasProxy = hasCallersProxy(pair);
  shared.identities = identitiesOf(pair);
  for (const std::size_t row : pair) {
    const Flow& flow = rows_[row].flow;
    shared.lastPlaintext = std::max(shared.lastPlaintext, rows_[row].lastPlaintext);
    shared.flow.firstSeen = std::min(shared.flow.firstSeen, flow.firstSeen);
    shared.flow.lastSeen = std::max(shared.flow.lastSeen, flow.lastSeen);
    vantages.insert(flow.vantage);
    proxies.insert(flow.proxy);
    if (standsAtCallee(flow)) calleeProxies.insert(flow.proxy);
    if (isKnown(flow.owner)) owners[*flow.owner] += weights_[row];
  }
  shared.vantages.assign(vantages.begin(), vantages.end());
  shared.proxies.assign(proxies.begin(), proxies.end());
  shared.calleeProxies.assign(calleeProxies.begin(), calleeProxies.end());

  struct Part {
    Tally tally;
    std::int64_t lastSeen = 0;
  };
  std::map<std::tuple<std::optional<wire::Owner>, std::string, bool, std::string>, Part> byOwner;
  const auto add = [&byOwner](const Flow& flow, const std::optional<wire::Owner>& owner, const Tally& tally) {
    Part& part = byOwner[{owner, flow.tls, flow.captured, flow.security}];
    part.tally.merge(tally);
    part.lastSeen = std::max(part.lastSeen, flow.lastSeen);
  };
  for (const std::size_t row : pair) {
    const Flow& flow = rows_[row].flow;
    const Tally& tally = rows_[row].tally;
    if (tally.counts == wire::Counts() && tally.routes.empty()) continue;
    if (isKnown(flow.owner) || owners.empty()) {
      add(flow, isKnown(flow.owner) ? flow.owner : std::nullopt, tally);
      continue;
    }
    std::vector<std::uint64_t> weights;
    for (const auto& [owner, weight] : owners) weights.push_back(weight);
    const std::vector<Tally> parts = apportion(tally, weights);
    std::size_t part = 0;
    for (const auto& [owner, weight] : owners) add(flow, owner, parts[part++]);
  }
  shared.flow.identity.clear();
  for (auto& [key, part] : byOwner) {
    if (part.tally.counts == wire::Counts()) continue;
    MergedFlow merged = shared;
    std::tie(merged.flow.owner, merged.flow.tls, merged.flow.captured, merged.flow.security) = key;
    merged.tally = std::move(part.tally);
    merged.securedLast = part.lastSeen;
    out.push_back(std::move(merged));
    shared.identities.clear();
  }
}

}  // namespace loam::graph
