#include "shadow/observe/edge_table.h"

#include <algorithm>

#include "shadow/observe/owners.h"

namespace loam::observe {

namespace {
constexpr std::size_t kKnownRoutes = 8192;
constexpr std::int64_t kForgetEverySeconds = 30;

/// What is kept of an edge that finds no room: an alert is the peer's to choose, a state is one of a few.
EdgeKey otherOf(const EdgeKey& key) {
  return {.client = {},
          .destination = {},
          .owner = 0,
          .identity = Identities::kNone,
          .tls = 0,
          .security = relay::Security{relay::Security::ofCode(key.security).state, 0}.code(),
          .sight = key.sight,
          .protocol = key.protocol};
}

}  // namespace

EdgeTable::EdgeTable(std::uint64_t seed, std::size_t most, RouteBudget budget, Identities& identities)
    : most_(most), budget_(budget), identities_(identities), indexes_(16, EdgeKeyHash{seed}), known_(kKnownRoutes) {}

std::uint32_t EdgeTable::acquire(const EdgeKey& key, std::int64_t nowSeconds) {
  auto at = indexes_.find(key);
  if (at == indexes_.end()) {
    const bool isOther = key.client.isUnspecified() && key.destination == SocketAddress{};
    if (!isOther && indexes_.size() - others_ >= most_) return acquire(otherOf(key), nowSeconds);
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(edges_.size()));
      edges_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    edges_[index] = std::make_unique<Edge>(key, isOther, budget_);
    identities_.hold(key.identity);
    if (isOther) ++others_;
    at = indexes_.emplace(key, index).first;
  }
  Edge& edge = *edges_[at->second];
  ++edge.holders;
  edge.lastUsed = nowSeconds;
  return at->second;
}

EdgeTable::OpenBucket& EdgeTable::bucket(std::uint32_t index, std::int64_t start) {
  Edge& edge = *edges_[index];
  if (!edge.dirty) {
    edge.dirty = true;
    dirty_.push_back(index);
  }
  for (OpenBucket& open : edge.open) {
    if (open.start == start) return open;
  }
  edge.open.push_back({start, {}, {}});
  return edge.open.back();
}

wire::Counts& EdgeTable::routeCounts(std::uint32_t edge, std::int64_t start, std::uint64_t hash, TextTable& texts) {
  const std::uint16_t route = routeOf(edge, hash, texts);
  edges_[edge]->routes.hit(route);
  auto& routes = bucket(edge, start).routes;
  const auto at = std::lower_bound(routes.begin(), routes.end(), route,
                                   [](const auto& entry, std::uint16_t wanted) { return entry.first < wanted; });
  if (at != routes.end() && at->first == route) return at->second;
  return routes.insert(at, {route, {}})->second;
}

std::uint16_t EdgeTable::routeOf(std::uint32_t index, std::uint64_t hash, TextTable& texts) {
  Edge& edge = *edges_[index];
  if (edge.other) return RouteTemplates::kOther;
  KnownRoute& known = known_[(hash ^ (index * 0x9E3779B97F4A7C15u)) % known_.size()];
  if (known.hash == hash && known.edge == index && known.version == edge.routes.version()) return known.route;
  const std::string_view text = texts.find(hash);
  if (text.empty()) return RouteTemplates::kOther;
  std::uint16_t route = RouteTemplates::kOther;
  if (edge.key.protocol == decode::Protocol::Grpc) {
    const auto space = text.find(' ');
    route = edge.routes.literal(space == std::string_view::npos ? text : text.substr(space + 1));
  } else {
    route = edge.routes.resolve(text);
  }
  // What found no room may find some after a seal: it is asked for again.
  if (route != RouteTemplates::kOther) known = {hash, index, edge.routes.version(), route};
  return route;
}

wire::EdgeReport EdgeTable::report(Edge& edge, const Owners& owners) const {
  wire::EdgeReport out;
  out.client = edge.key.client;
  if (edge.key.owner != 0) out.owner = owners.owner(edge.key.owner);
  out.destination = edge.key.destination;
  out.vantage = name(edge.key.sight);
  out.protocol = decode::name(edge.key.protocol);
  out.tlsVersion = tlsName(edge.key.tls);
  out.captured = edge.key.sight != Sight::Inventory;
  out.security = relay::text(relay::Security::ofCode(edge.key.security));
  out.identity = identities_.text(edge.key.identity);
  for (OpenBucket& open : edge.open) {
    wire::Bucket& bucket = out.buckets.emplace_back();
    bucket.start = open.start;
    bucket.counts = std::move(open.counts);
    for (auto& [route, counts] : open.routes) bucket.routes.push_back({edge.routes.name(route), std::move(counts)});
  }
  return out;
}

void EdgeTable::seal(const Owners& owners, std::int64_t nowSeconds, const std::function<void(wire::EdgeReport)>& sink) {
  for (const std::uint32_t index : dirty_) {
    Edge& edge = *edges_[index];
    sink(report(edge, owners));
    edge.open = {};
    edge.dirty = false;
    edge.lastUsed = nowSeconds;
    edge.routes.recycle();
  }
  dirty_.clear();
  if (nowSeconds - lastForgot_ < kForgetEverySeconds) return;
  lastForgot_ = nowSeconds;
  forgetIdle(nowSeconds);
}

void EdgeTable::forgetIdle(std::int64_t nowSeconds) {
  for (auto at = indexes_.begin(); at != indexes_.end();) {
    const Edge& edge = *edges_[at->second];
    if (edge.holders > 0 || edge.dirty || nowSeconds - edge.lastUsed < kIdleSeconds) {
      ++at;
      continue;
    }
    if (edge.other) --others_;
    identities_.release(edge.key.identity);
    const std::uint32_t index = at->second;
    at = indexes_.erase(at);
    edges_[index].reset();
    free_.push_back(index);
    for (KnownRoute& known : known_) {
      if (known.edge == index) known.hash = 0;
    }
  }
}

}  // namespace loam::observe
