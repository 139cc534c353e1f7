#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "shadow/graph/flow.h"
#include "shadow/record/calls.h"

namespace loam::record {

/// Where a window falls between two buckets of the record: Around takes all that overlap it, Inside those that lie in
/// it.
enum class Snap { Around, Inside };

/// Sums of flows over a window, with the window that the buckets at hand really cover.
struct Sums {
  graph::Window window;
  std::int64_t resolution = 0;  ///< seconds of the coarsest bucket that was used; 0 when the window is empty
  std::unordered_map<std::int64_t, graph::Tally> flows;  ///< by Flow::id
};

/// What some flows counted within one bucket.
struct Slice {
  std::int64_t from = 0;                                 ///< unix seconds
  std::int64_t length = 0;                               ///< seconds
  std::unordered_map<std::int64_t, graph::Tally> flows;  ///< by Flow::id, without routes
};

/// One consistent state of the record. Holds a read transaction: drop it within seconds. One thread.
class GraphSnapshot {
 public:
  virtual ~GraphSnapshot() = default;
  virtual Result<Sums> sums(graph::Window window, Snap snap, bool routes) = 0;
  /// Bucket by bucket, ascending, each the finest that is held of its time; `most`: coarser ones where it would be more
  /// buckets times flows.
  virtual Result<std::vector<Slice>> slices(graph::Window window, const std::vector<std::int64_t>& flows,
                                            std::size_t most) = 0;
  virtual Result<std::vector<graph::Flow>> flows() = 0;
  virtual Result<std::vector<graph::Claim>> claims() = 0;  ///< the operator's included
  virtual Result<std::vector<graph::Alias>> aliases() = 0;
  virtual Result<std::vector<graph::ProxyState>> proxies(graph::Window window) = 0;
  /// Of all services, in the buckets that overlap the window.
  virtual Result<std::vector<VerdictSum>> verdicts(graph::Window window) = 0;
  virtual Result<std::uint64_t> revision() = 0;
};

/// What the store did so far, for /metrics. Totals since the store was opened, sizes as they stand.
struct StoreCounters {
  std::uint64_t reports = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t failures = 0;          ///< transactions that the disk refused
  std::uint64_t foldedEdges = 0;       ///< edge reports counted in "other": too many edges
  std::uint64_t foldedPeers = 0;       ///< edge reports counted in a network: too many unknown peers
  std::uint64_t foldedRoutes = 0;      ///< route counts put into "other"
  std::uint64_t foldedIdentities = 0;  ///< edge reports whose identity became "other": too many flows of one edge
  std::uint64_t droppedClaims = 0;
  std::uint64_t edges = 0;
  std::uint64_t flows = 0;
  std::uint64_t bytes = 0;  ///< of the file
  std::uint64_t walBytes = 0;
  std::uint64_t foldedVerdicts = 0;  ///< verdicts counted in "other"
};

/// The durable record of observations. Implemented in `db`. Any thread; writes go one after the other, reads beside
/// them.
class GraphStore {
 public:
  virtual ~GraphStore() = default;

  /// Counts the reports in one transaction; true for each that was counted, false for one counted before. After an
  /// error none was counted, and Exhausted says that the disk is full.
  virtual Result<std::vector<bool>> ingest(std::span<const wire::Report> reports) = 0;

  virtual Result<std::unique_ptr<GraphSnapshot>> snapshot() const = 0;

  /// The operator's name of an address (`port` 0: all of it); an empty name takes it back.
  virtual Status nameAddress(const std::string& scope, const SocketAddress& address, const std::string& name) = 0;
  /// The operator's name of what evidence calls `node`; an empty name takes it back.
  virtual Status nameNode(const std::string& node, const std::string& name) = 0;

  /// Moves what is old enough to coarser buckets and deletes what is too old. `now` in unix seconds.
  virtual Status rollUp(std::int64_t now) = 0;

  virtual StoreCounters counters() const = 0;
};

}  // namespace loam::record
