#pragma once

#include <Poco/Data/Session.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "shadow/graph/flow.h"
#include "shadow/record/limits.h"

namespace loam::db {

/// How often a bound of the record was met, as totals over the file's life.
struct Folds {
  std::uint64_t edges = 0;
  std::uint64_t peers = 0;
  std::uint64_t routes = 0;
  std::uint64_t claims = 0;
  std::uint64_t identities = 0;
  std::uint64_t verdicts = 0;
};

/// The edges, flows and routes of graph.db in memory, and the bounds on their number: finds the row of an edge report,
/// makes it where it is new, and folds what does not fit. Everything that touches the file throws POCO's exceptions:
/// call it inside Database::transaction, and load() again after one that failed.
class FlowIndex {
 public:
  explicit FlowIndex(const record::Limits& limits) : limits_(limits) {}

  void load(Poco::Data::Session& session);

  /// The flow of `edge` as `proxy` saw it, with first and last seen moved out to [from, to).
  std::int64_t flowOf(Poco::Data::Session& session, const std::string& proxy, std::int64_t proxyId,
                      const wire::EdgeReport& edge, std::int64_t from, std::int64_t to);
  /// The id of a route of a flow; that of "other" when the flow has too many.
  std::int64_t routeOf(Poco::Data::Session& session, std::int64_t flow, const std::string& route);

  /// A name was claimed for this address: it is no unknown peer.
  void noteKnown(const IpAddress& address);

  /// Counts anew which edges are active at `now`.
  void refresh(std::int64_t now);

  std::vector<graph::Flow> flows() const;
  std::unordered_map<std::int64_t, std::string> routes() const;
  std::size_t edgeCount() const { return edges_.size(); }
  std::size_t flowCount() const { return flows_.size(); }
  Folds folds;  ///< written to `counters` by the caller

 private:
  struct Edge {
    std::int64_t id = 0;
    std::int64_t lastSeen = 0;
  };
  /// The identifying part of an edge, after folding.
  struct Place {
    std::string scope;
    IpAddress client;
    std::uint8_t prefix = 128;
    SocketAddress destination;
    std::string protocol;

    std::string key() const;
    bool isOther() const { return destination.ip.isUnspecified(); }
  };

  static std::string flowKey(std::int64_t edge, std::int64_t proxy, const graph::Flow& flow);
  Place placeOf(const std::string& proxy, const wire::EdgeReport& edge);
  std::int64_t edgeAt(Poco::Data::Session& session, Place& place, std::int64_t lastSeen);
  bool fold(Place& place);
  void fold(graph::Flow& flow);
  bool isUnknownPeer(const Place& place) const;
  void remember(const Place& place, Edge edge);
  graph::Flow& insertFlow(Poco::Data::Session& session, std::int64_t edge, std::int64_t proxy, graph::Flow flow);
  void loadFlows(Poco::Data::Session& session);
  void loadRoutes(Poco::Data::Session& session);

  record::Limits limits_;
  std::unordered_map<std::string, Edge> edges_;
  std::unordered_map<std::string, std::int64_t> flowIds_;
  std::unordered_map<std::int64_t, graph::Flow> flows_;
  std::unordered_map<std::int64_t, std::size_t> flowsOfEdge_;
  std::unordered_map<std::string, std::int64_t> routeIds_;
  std::unordered_map<std::int64_t, std::unordered_set<std::int64_t>> flowRoutes_;
  std::unordered_map<SocketAddress, std::size_t> peers_;  ///< unknown clients by destination
  std::unordered_set<IpAddress> known_;
  std::size_t active_ = 0;
};

}  // namespace loam::db
