#include "shadow/graph/assemble.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "proxy/base/stable_hash.h"
#include "shadow/graph/security.h"

namespace loam::graph {

namespace {

constexpr std::size_t kMostAddresses = 256;  // listed of one node
constexpr std::int64_t kSealing = 10;        // seconds that an observation may be under way

/// Several versions seen: the weakest is the one worth showing.
struct TlsSeen {
  bool plain = false;
  std::set<std::string> versions;

  void add(const Flow& flow, const wire::Counts& counts) {
    if (!flow.tls.empty()) {
      versions.insert(flow.tls);
    } else if (counts.tlsConnections != 0) {
      versions.insert("TLS");
    }
    if (flow.tls.empty() &&
        (counts.requests != 0 || counts.connections > counts.failedConnections + counts.tlsConnections))
      plain = true;
  }
  std::string text() const {
    if (versions.empty()) return "none";
    if (plain) return "partial";
    return versions.size() > 1 && *versions.begin() == "TLS" ? *std::next(versions.begin()) : *versions.begin();
  }
};

struct NodeParts {
  Node node;
  std::set<std::string> addresses;
  std::map<std::string, std::set<std::string>> instances;  // proxies at the side of each
  bool hasPrivate = false;
  bool isAggregate = false;
};

using EdgeKey = std::tuple<std::string, std::string, std::string, std::uint16_t>;

struct EdgeParts {
  Tally tally;
  TlsSeen tls;
  SecuritySum security;
  std::int64_t firstSeen = 0;
  std::int64_t lastSeen = 0;
  bool captured = false;
  std::set<std::string> vantages;
  std::set<std::string> proxies;
};

class Assembly {
 public:
  Assembly(const Names& names, Collapse collapse) : names_(names), collapse_(collapse) {}

  void add(MergedFlow& merged) {
    const Flow& flow = merged.flow;
    const std::string scope = scopeOf(flow.client, flow.destination.ip, flow.proxy);
    const bool other = flow.client.isUnspecified();
    const std::string source = node(names_.caller(scope, flow.client, flow.prefix, flow.owner), flow.client,
                                    flow.client.text(), other || flow.prefix < 128, flow);
    const std::string target = node(names_.server(scope, flow.destination), flow.destination.ip,
                                    flow.destination.text(), flow.destination.ip.isUnspecified(), flow);
    addInstance(target, merged);
    EdgeParts& edge = edges_[{source, target, flow.protocol, flow.destination.port}];
    edge.firstSeen = edge.firstSeen == 0 ? flow.firstSeen : std::min(edge.firstSeen, flow.firstSeen);
    edge.lastSeen = std::max(edge.lastSeen, flow.lastSeen);
    edge.captured = edge.captured || flow.captured;
    edge.tls.add(flow, merged.tally.counts);
    edge.security.add(merged);
    edge.tally.merge(merged.tally);
    edge.vantages.insert(merged.vantages.begin(), merged.vantages.end());
    edge.proxies.insert(merged.proxies.begin(), merged.proxies.end());
    (flow.captured ? captured_ : seenOnly_) += std::max<std::uint64_t>(1, merged.tally.counts.connections);
  }

  Graph finish(Window window) {
    Graph graph;
    graph.header.window = window;
    if (captured_ + seenOnly_ != 0) {
      graph.header.capturedShare = static_cast<double>(captured_) / static_cast<double>(captured_ + seenOnly_);
    }
    for (auto& [name, parts] : nodes_) graph.nodes.push_back(finishNode(std::move(parts)));
    for (auto& [key, parts] : edges_) graph.edges.push_back(finishEdge(key, std::move(parts)));
    return graph;
  }

 private:
  std::string node(Names::Choice choice, const IpAddress& ip, const std::string& address, bool aggregate,
                   const Flow& flow) {
    const bool named = choice.source != "address";
    std::string name = choice.name;
    if (collapse_ == Collapse::External && !aggregate && isPublic(ip)) name = "external";
    if (collapse_ == Collapse::Instance && named && !aggregate) name += "@" + ip.text();
    NodeParts& parts = nodes_[name];
    Node& node = parts.node;
    node.name = name;
    if (node.nameSource.empty() || rankOf(choice.source) < rankOf(node.nameSource)) node.nameSource = choice.source;
    node.firstSeen = node.firstSeen == 0 ? flow.firstSeen : std::min(node.firstSeen, flow.firstSeen);
    node.lastSeen = std::max(node.lastSeen, flow.lastSeen);
    parts.isAggregate = parts.isAggregate || aggregate;
    parts.hasPrivate = parts.hasPrivate || !isPublic(ip);
    if (!ip.isUnspecified() && parts.addresses.size() < kMostAddresses && !(aggregate && flow.prefix < 128))
      parts.addresses.insert(address);
    for (const NameClaim& claim : choice.claims) addClaim(node, claim);
    return name;
  }

  void addInstance(const std::string& target, const MergedFlow& merged) {
    const SocketAddress& address = merged.flow.destination;
    auto& instances = nodes_[target].instances;
    const std::string text = address.text();
    if (address.ip.isUnspecified() || (instances.size() >= kMostAddresses && !instances.contains(text))) return;
    instances[text].insert(merged.calleeProxies.begin(), merged.calleeProxies.end());
  }

  static void addClaim(Node& node, const NameClaim& claim) {
    const auto same = std::find_if(node.claims.begin(), node.claims.end(), [&](const NameClaim& known) {
      return known.name == claim.name && known.source == claim.source;
    });
    if (same == node.claims.end()) {
      node.claims.push_back(claim);
    } else {
      same->seen = std::max(same->seen, claim.seen);
    }
  }

  static Node finishNode(NodeParts parts) {
    Node& node = parts.node;
    node.id = stableId({"node", node.name});
    node.addresses.assign(parts.addresses.begin(), parts.addresses.end());
    for (const auto& [address, proxies] : parts.instances)
      node.instances.push_back({address, {proxies.begin(), proxies.end()}});
    std::sort(node.claims.begin(), node.claims.end(), [](const NameClaim& a, const NameClaim& b) {
      return std::tuple(rankOf(a.source), ~a.seen, a.name) < std::tuple(rankOf(b.source), ~b.seen, b.name);
    });
    const bool named = node.nameSource != "address";
    node.kind = parts.isAggregate ? "aggregate" : !parts.hasPrivate ? "external" : named ? "service" : "unknown";
    return std::move(node);
  }

  static Edge finishEdge(const EdgeKey& key, EdgeParts parts) {
    Edge edge;
    std::tie(edge.source, edge.target, edge.protocol, edge.port) = key;
    edge.id = stableId({edge.source, edge.target, edge.protocol, std::to_string(edge.port)});
    edge.counts = std::move(parts.tally.counts);
    edge.routes = std::move(parts.tally.routes);
    edge.p50Ms = edge.counts.latency.quantile(0.5) / 1000;
    edge.p99Ms = edge.counts.latency.quantile(0.99) / 1000;
    edge.tls = parts.tls.text();
    edge.security = std::move(parts.security).finish();
    edge.firstSeen = parts.firstSeen;
    edge.lastSeen = parts.lastSeen;
    edge.captured = parts.captured;
    edge.seenBy.assign(parts.vantages.begin(), parts.vantages.end());
    edge.proxies.assign(parts.proxies.begin(), parts.proxies.end());
    return edge;
  }

  const Names& names_;
  const Collapse collapse_;
  std::map<std::string, NodeParts> nodes_;
  std::map<EdgeKey, EdgeParts> edges_;
  std::uint64_t captured_ = 0;
  std::uint64_t seenOnly_ = 0;
};

}  // namespace

Graph assemble(std::vector<MergedFlow> flows, const Names& names, Collapse collapse, Window window) {
  Assembly assembly(names, collapse);
  for (MergedFlow& flow : flows) assembly.add(flow);
  return assembly.finish(window);
}

std::vector<Coverage> coverageOf(const std::vector<ProxyState>& proxies, Window window, std::int64_t now) {
  std::vector<Coverage> out;
  for (const ProxyState& proxy : proxies) {
    if (proxy.firstReport >= window.to) continue;
    Coverage coverage{proxy.name, 0, proxy.firstReport, proxy.lastReport, proxy.losses};
    const std::int64_t from = std::max(window.from, proxy.firstReport) * 1000;
    const std::int64_t to = std::min(window.to, std::max(now - kSealing, proxy.lastReport)) * 1000;
    std::int64_t covered = 0;
    for (const Span& span : proxy.covered)
      covered += std::max<std::int64_t>(0, std::min(span.to, to) - std::max(span.from, from));
    coverage.share = to > from ? static_cast<double>(covered) / static_cast<double>(to - from)
                     : covered > 0 || !proxy.covered.empty() ? 1
                                                             : 0;
    out.push_back(std::move(coverage));
  }
  return out;
}

std::string stableId(std::initializer_list<std::string_view> parts) {
  std::uint64_t hash = fnv1a({});
  for (const std::string_view part : parts) hash = fnv1a(std::string_view("\0", 1), fnv1a(part, hash));
  std::string out(16, '0');
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = "0123456789abcdef"[(hash >> (60 - 4 * i)) & 0xf];
  return out;
}

bool isPublic(const IpAddress& address) {
  if (address.isUnspecified() || address.isLoopback() || address.isLinkLocal()) return false;
  if (!address.isV4()) {
    const auto& b = address.bytes();
    const bool documentation = b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8;
    return (b[0] & 0xe0) == 0x20 && !documentation;
  }
  const auto b = address.v4Bytes();
  const auto in = [&b](std::uint8_t first, std::uint8_t second, std::uint8_t mask) {
    return b[0] == first && (b[1] & mask) == second;
  };
  if (b[0] == 0 || b[0] == 10 || b[0] >= 224 || in(172, 16, 0xf0) || in(192, 168, 0xff) || in(100, 64, 0xc0) ||
      in(198, 18, 0xfe))
    return false;
  const bool documentation = (b[0] == 192 && b[1] == 0 && b[2] == 2) || (b[0] == 198 && b[1] == 51 && b[2] == 100) ||
                             (b[0] == 203 && b[1] == 0 && b[2] == 113);
  return !documentation;
}

}  // namespace loam::graph
