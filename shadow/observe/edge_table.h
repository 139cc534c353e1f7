#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proxy/wire/report.h"
#include "shadow/observe/edge_key.h"
#include "shadow/observe/identities.h"
#include "shadow/observe/route_templates.h"
#include "shadow/observe/text_table.h"

namespace loam::observe {

class Owners;

/// The edges and their open 10 s buckets. At most `most` edges; what comes beyond is added up in one edge for each
/// (sight, protocol, state of security) whose client and destination are unspecified: the visible `other`. Observer
/// thread.
class EdgeTable {
 public:
  /// An edge without traffic and without live connections is forgotten after this many seconds.
  static constexpr std::int64_t kIdleSeconds = 600;
  static constexpr std::size_t kMostEdges = 10'000;

  /// `identities` outlives it: what the keys point to is held there while their edges are known.
  EdgeTable(std::uint64_t seed, std::size_t most, RouteBudget budget, Identities& identities);

  /// The edge of `key`, made if need be; each acquire() holds it until release().
  std::uint32_t acquire(const EdgeKey& key, std::int64_t nowSeconds);
  void release(std::uint32_t edge) { --edges_[edge]->holders; }
  bool isOther(std::uint32_t edge) const { return edges_[edge]->other; }

  /// The counts of an edge in the bucket that starts at `start`; the reference holds until the next call.
  wire::Counts& counts(std::uint32_t edge, std::int64_t start) { return bucket(edge, start).counts; }
  /// The counts of the route that the text of `hash` belongs to.
  wire::Counts& routeCounts(std::uint32_t edge, std::int64_t start, std::uint64_t hash, TextTable& texts);

  /// Hands what was counted since the last seal to `sink`, edge by edge, and forgets idle edges.
  void seal(const Owners& owners, std::int64_t nowSeconds, const std::function<void(wire::EdgeReport)>& sink);
  std::size_t size() const { return indexes_.size(); }

 private:
  struct OpenBucket {
    std::int64_t start = 0;
    wire::Counts counts;
    std::vector<std::pair<std::uint16_t, wire::Counts>> routes;  // sorted by route
  };
  struct Edge {
    Edge(const EdgeKey& edgeKey, bool isOther, RouteBudget& budget) : key(edgeKey), other(isOther), routes(budget) {}
    const EdgeKey key;
    const bool other;
    bool dirty = false;
    std::uint32_t holders = 0;
    std::int64_t lastUsed = 0;
    std::vector<OpenBucket> open;
    RouteTemplates routes;
  };
  struct KnownRoute {  // direct-mapped: spares hot paths their template
    std::uint64_t hash = 0;
    std::uint32_t edge = 0;
    std::uint32_t version = 0;
    std::uint16_t route = 0;
  };

  OpenBucket& bucket(std::uint32_t edge, std::int64_t start);
  std::uint16_t routeOf(std::uint32_t edge, std::uint64_t hash, TextTable& texts);
  wire::EdgeReport report(Edge& edge, const Owners& owners) const;
  void forgetIdle(std::int64_t nowSeconds);

  const std::size_t most_;
  RouteBudget budget_;
  Identities& identities_;
  std::unordered_map<EdgeKey, std::uint32_t, EdgeKeyHash> indexes_;
  std::vector<std::unique_ptr<Edge>> edges_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> dirty_;
  std::vector<KnownRoute> known_;
  std::size_t others_ = 0;
  std::int64_t lastForgot_ = 0;
};

}  // namespace loam::observe
