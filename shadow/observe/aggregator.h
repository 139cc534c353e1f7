#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/wire/report.h"
#include "shadow/observe/channel.h"
#include "shadow/observe/connection.h"
#include "shadow/observe/edge_table.h"
#include "shadow/observe/identities.h"
#include "shadow/observe/names.h"
#include "shadow/observe/owners.h"
#include "shadow/observe/pins.h"
#include "shadow/observe/verdict_table.h"

namespace loam::observe {

/// Bounds of what the observer keeps. With these, hostile hosts and paths cost at most 64 MiB beside the live
/// connections, which cost sizeof(Connection) each.
struct AggregatorLimits {
  std::size_t connections = std::size_t{1} << 20;  ///< of one worker
  std::size_t edges = EdgeTable::kMostEdges;
  std::size_t held = 65536;  ///< records of connections that are not settled yet
  std::size_t identities = Identities::kMost;
  RouteBudget routes;
};

using AddressPairs = FlatSet<AddressPair>;

/// Folds the observations of all workers into edges and their 10 s buckets. Every connection is counted once, in the
/// bucket in which it opened; every exchange in the bucket of its end; bytes when they were told, within a second of
/// passing. A connection waits until it is settled, so that what came before its protocol, TLS version and owner were
/// known is counted under them: kSettle after its opening when it spoke, kMostSilence when it did not, or at its end.
/// So are security and identity, which are known before a byte passes: only of a dial that takes longer than
/// kMostSilence the connection itself is counted without them. Observer thread.
class Aggregator {
 public:
  static constexpr seconds kSettle{2};
  static constexpr seconds kMostSilence{10};
  /// Records that one connection may have waiting; more settle it.
  static constexpr std::size_t kMostHeld = 32;

  Aggregator(const Clock& clock, std::uint64_t seed, const Owners& owners, Pins& pins, NameCollector& names,
             AggregatorLimits limits);

  /// Adds a worker's channel, which outlives this; before the first drain().
  void attach(Channel& channel) { workers_.emplace_back(channel); }
  /// Takes everything that the workers pushed.
  void drain();
  /// The same when the workers have ended: what waits in their backlogs too.
  void drainRest();
  /// Hands what was counted since the last seal to `sink`, edge by edge.
  void seal(const std::function<void(wire::EdgeReport)>& sink);
  /// What features denied since the last call, or would have denied.
  std::vector<wire::Verdict> takeVerdicts() { return verdicts_.take(); }

  /// A connection that passed by the proxy: `opened` counts it, otherwise it is only shown to live on.
  void countUncaptured(const AddressPair& pair, std::uint32_t owner, bool opened);
  /// The live connections, and those that ended since the call before the last one.
  AddressPairs captured();
  /// Totals since the start; reports stays 0 here.
  wire::Losses losses() const;
  std::size_t liveConnections() const { return live_; }
  /// Live connections by the generation of the snapshot that they started under.
  std::map<std::uint64_t, std::uint64_t> connectionsByGeneration() const;
  std::size_t edges() const { return edges_.size(); }

 private:
  static constexpr std::size_t kMostRecentlyClosed = 65536;

  struct Worker {
    explicit Worker(Channel& workersChannel) : channel(&workersChannel) {}
    Channel* channel;
    std::deque<Connection> connections;  // by slot
  };
  struct Unsettled {
    std::uint32_t worker;
    ConnectionId connection;
  };

  void take(std::uint32_t worker, const Observation& record);
  void open(std::uint32_t worker, const Observation& record);
  void learn(Connection& connection, const Observation& record);
  void count(Connection& connection, const Observation& record);
  void countExchange(Connection& connection, const Observation& record);
  void close(Connection& connection, const Observation& record);
  void noteVerdict(const Observation& record);
  void noteName(Connection& connection, const Observation& record);
  void noteService(Connection& connection, std::uint64_t route);
  void settle(Connection& connection);
  void settleDue();
  void letGo(Connection& connection);
  void askForOwner(Connection& connection);
  std::uint32_t edgeOf(Connection& connection);
  EdgeKey keyOf(const Connection& connection, decode::Protocol protocol) const;
  std::int64_t bucketOf(Monotonic at) const;
  /// Seconds of the clock that nobody sets: how long edges are idle goes by it.
  std::int64_t uptime() const;

  const Clock& clock_;
  const AggregatorLimits limits_;
  const Owners& owners_;
  Pins& pins_;
  NameCollector& names_;
  TextTable texts_;
  Identities identities_;
  EdgeTable edges_;
  VerdictTable verdicts_;
  std::vector<Worker> workers_;
  std::vector<Unsettled> unsettled_;
  std::array<std::vector<AddressPair>, 2> closed_;
  std::chrono::nanoseconds wallOffset_{0};
  std::size_t held_ = 0;
  std::size_t live_ = 0;
  std::uint64_t lostRecords_ = 0;
  std::uint64_t lostDecoders_ = 0;
  std::uint64_t otherEdges_ = 0;
};

}  // namespace loam::observe
