#include "db/flow_index.h"

#include <Poco/Data/Statement.h>

#include <algorithm>

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;

constexpr std::int64_t kActiveSeconds = 86'400;
constexpr std::size_t kIdleFactor = 4;       // rows kept for each active edge that the limit allows
constexpr std::size_t kFlowsPerEdge = 128;   // owners, observers, TLS versions and kinds of security of one edge
constexpr std::size_t kMostRoutes = 50'000;  // texts in all
constexpr std::size_t kMostKnown = 200'000;  // addresses with a name or an owner
const std::string kOther = "other";

void put(std::string& key, const IpAddress& ip) {
  key.append(reinterpret_cast<const char*>(ip.bytes().data()), ip.bytes().size());
}

void put(std::string& key, std::string_view text) {
  key.append(text);
  key.push_back('\0');
}

bool isLocal(const IpAddress& ip) { return ip.isLoopback() || ip.isLinkLocal(); }

IpAddress networkOf(const IpAddress& ip) {
  auto bytes = ip.bytes();
  std::fill(bytes.begin() + (ip.isV4() ? 15 : 8), bytes.end(), std::uint8_t{0});
  return IpAddress::v6(bytes);
}

std::int64_t lastId(Poco::Data::Session& session) {
  std::int64_t id = 0;
  session << "SELECT last_insert_rowid()", into(id), now;
  return id;
}

/// Whether all that is told are attempts that failed or were refused, of which nobody can say how they would have gone.
/// They leave it at when the flow was last seen: that tells when somebody last spoke plaintext.
bool cameToNothing(const wire::EdgeReport& edge) {
  wire::Counts sum;
  for (const wire::Bucket& bucket : edge.buckets) sum.merge(bucket.counts);
  return edge.security.empty() && sum.failedConnections != 0 && sum.connections <= sum.failedConnections &&
         sum.bytesSent == 0 && sum.bytesReceived == 0;
}

}  // namespace

std::string FlowIndex::flowKey(std::int64_t edge, std::int64_t proxy, const graph::Flow& flow) {
  std::string key = std::to_string(edge) + "/" + std::to_string(proxy) + (flow.captured ? "c" : "i");
  put(key, flow.vantage);
  put(key, flow.tls);
  put(key, flow.security);
  put(key, flow.identity);
  if (flow.owner) {
    put(key, flow.owner->unit);
    put(key, flow.owner->exe);
    key += std::to_string(flow.owner->uid);
  }
  return key;
}

FlowIndex::Place FlowIndex::placeOf(const std::string& proxy, const wire::EdgeReport& edge) {
  Place place;
  place.scope = graph::scopeOf(edge.client, edge.destination.ip, proxy);
  place.client = edge.client;
  place.destination = edge.destination;
  place.protocol = edge.protocol;
  if (edge.owner || edge.vantage == "outbound" || !edge.captured) noteKnown(edge.client);
  return place;
}

bool FlowIndex::isUnknownPeer(const Place& place) const {
  return place.prefix == 128 && !isLocal(place.client) && !place.destination.ip.isUnspecified() &&
         !known_.contains(place.client);
}

std::string FlowIndex::Place::key() const {
  std::string key;
  put(key, scope);
  put(key, client);
  put(key, destination.ip);
  put(key, std::to_string(destination.port) + "/" + std::to_string(prefix) + "/" + protocol);
  return key;
}

void FlowIndex::remember(const Place& place, Edge edge) {
  if (edges_.try_emplace(place.key(), edge).second && isUnknownPeer(place)) ++peers_[place.destination];
}

/// Widens a place that is new and does not fit; false when it fits.
bool FlowIndex::fold(Place& place) {
  if (place.isOther()) return false;
  const auto peers = isUnknownPeer(place) ? peers_.find(place.destination) : peers_.end();
  if (peers != peers_.end() && peers->second >= limits_.peers) {
    ++folds.peers;
    place.prefix = place.client.isV4() ? 120 : 64;
    place.client = networkOf(place.client);
    return true;
  }
  if (active_ < limits_.edges && edges_.size() < kIdleFactor * limits_.edges) return false;
  ++folds.edges;
  place = {"", IpAddress(), 0, SocketAddress(), kOther};
  return true;
}

/// What is left of a flow for which there is no room: the alert of a handshake is the peer's to choose, the state is
/// one of a few.
void FlowIndex::fold(graph::Flow& flow) {
  flow.owner.reset();
  flow.tls.clear();
  flow.security.erase(std::min(flow.security.find(':'), flow.security.size()));
  if (flow.identity.empty() || flow.identity == wire::kOtherIdentity) return;
  flow.identity = wire::kOtherIdentity;
  ++folds.identities;
}

std::int64_t FlowIndex::edgeAt(Poco::Data::Session& session, Place& place, std::int64_t lastSeen) {
  do {
    if (const auto at = edges_.find(place.key()); at != edges_.end()) {
      at->second.lastSeen = std::max(at->second.lastSeen, lastSeen);
      return at->second.id;
    }
  } while (fold(place));
  std::string client = place.client.text();
  std::string server = place.destination.ip.text();
  int prefix = place.prefix;
  int port = place.destination.port;
  session << "INSERT INTO edges (scope, client, prefix, server, port, protocol) VALUES (?, ?, ?, ?, ?, ?)",
      use(place.scope), use(client), use(prefix), use(server), use(port), use(place.protocol), now;
  const std::int64_t id = lastId(session);
  remember(place, {id, lastSeen});
  ++active_;
  return id;
}

std::int64_t FlowIndex::flowOf(Poco::Data::Session& session, const std::string& proxy, std::int64_t proxyId,
                               const wire::EdgeReport& edge, std::int64_t from, std::int64_t to) {
  Place place = placeOf(proxy, edge);
  const std::int64_t edgeId = edgeAt(session, place, to);
  graph::Flow flow{.id = 0,
                   .client = place.client,
                   .prefix = place.prefix,
                   .owner = edge.owner,
                   .destination = place.destination,
                   .protocol = place.protocol,
                   .tls = edge.tlsVersion,
                   .vantage = edge.vantage,
                   .proxy = proxy,
                   .captured = edge.captured,
                   .security = edge.security,
                   .identity = edge.identity,
                   .firstSeen = from,
                   .lastSeen = to};
  auto known = place.isOther() ? flowIds_.end() : flowIds_.find(flowKey(edgeId, proxyId, flow));
  if (place.isOther() || (known == flowIds_.end() && flowsOfEdge_[edgeId] >= kFlowsPerEdge)) {
    fold(flow);
    known = flowIds_.find(flowKey(edgeId, proxyId, flow));
  }
  if (known == flowIds_.end()) return insertFlow(session, edgeId, proxyId, std::move(flow)).id;
  graph::Flow& stored = flows_.at(known->second);
  if (cameToNothing(edge)) to = std::min(to, stored.lastSeen);
  if (from < stored.firstSeen || to > stored.lastSeen) {
    stored.firstSeen = std::min(stored.firstSeen, from);
    stored.lastSeen = std::max(stored.lastSeen, to);
    session << "UPDATE flows SET first_seen = ?, last_seen = ? WHERE id = ?", use(stored.firstSeen),
        use(stored.lastSeen), use(stored.id), now;
  }
  return stored.id;
}

graph::Flow& FlowIndex::insertFlow(Poco::Data::Session& session, std::int64_t edge, std::int64_t proxy,
                                   graph::Flow flow) {
  wire::Owner owner = flow.owner.value_or(wire::Owner{});
  std::int64_t uid = flow.owner ? std::int64_t{owner.uid} : -1;
  int captured = flow.captured ? 1 : 0;
  session << "INSERT INTO flows (edge_id, proxy_id, vantage, unit, exe, uid, tls, captured, security, identity, "
             "first_seen, last_seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      use(edge), use(proxy), use(flow.vantage), use(owner.unit), use(owner.exe), use(uid), use(flow.tls), use(captured),
      use(flow.security), use(flow.identity), use(flow.firstSeen), use(flow.lastSeen), now;
  flow.id = lastId(session);
  flowIds_.emplace(flowKey(edge, proxy, flow), flow.id);
  ++flowsOfEdge_[edge];
  return flows_.emplace(flow.id, std::move(flow)).first->second;
}

std::int64_t FlowIndex::routeOf(Poco::Data::Session& session, std::int64_t flow, const std::string& route) {
  auto known = routeIds_.find(route);
  auto& used = flowRoutes_[flow];
  if (known != routeIds_.end() && used.contains(known->second)) return known->second;
  const bool fits = used.size() < limits_.routes && (known != routeIds_.end() || routeIds_.size() < kMostRoutes);
  if (!fits && route != kOther) {
    ++folds.routes;
    return routeOf(session, flow, kOther);
  }
  if (known == routeIds_.end()) {
    std::string text = route;
    session << "INSERT INTO routes (route) VALUES (?)", use(text), now;
    known = routeIds_.emplace(route, lastId(session)).first;
  }
  session << "INSERT INTO flow_routes (flow_id, route_id) VALUES (?, ?)", use(flow), use(known->second), now;
  used.insert(known->second);
  return known->second;
}

void FlowIndex::noteKnown(const IpAddress& address) {
  if (known_.size() < kMostKnown) known_.insert(address);
}

void FlowIndex::refresh(std::int64_t at) {
  active_ = static_cast<std::size_t>(std::count_if(
      edges_.begin(), edges_.end(), [&](const auto& entry) { return entry.second.lastSeen > at - kActiveSeconds; }));
}

std::vector<graph::Flow> FlowIndex::flows() const {
  std::vector<graph::Flow> out;
  out.reserve(flows_.size());
  for (const auto& [id, flow] : flows_) out.push_back(flow);
  return out;
}

std::unordered_map<std::int64_t, std::string> FlowIndex::routes() const {
  std::unordered_map<std::int64_t, std::string> out;
  for (const auto& [route, id] : routeIds_) out.emplace(id, route);
  return out;
}

}  // namespace loam::db
