#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "proxy/base/clock.h"
#include "proxy/wire/report.h"
#include "shadow/observe/aggregator.h"
#include "shadow/observe/fact_source.h"
#include "shadow/observe/hosts_file.h"
#include "shadow/observe/inventory.h"
#include "shadow/observe/reverse_dns.h"

namespace loam::observe {

struct ObserverSettings {
  std::string proxy;          ///< name of this proxy, unique in the mesh
  std::string role = "node";  ///< as in wire::Report
  std::uint64_t epoch = 0;    ///< of this start
  std::uint64_t seed = 0;     ///< of the channels' text hashes, drawn at start
  milliseconds sealEvery{2000};
  std::string hostsPath = "/etc/hosts";
  OwnSockets own{};
  AggregatorLimits limits{};
};

/// What makes reports of observations: drains the workers' channels, joins the host's facts and seals a report every
/// `sealEvery`, an empty one too, since it shows that somebody looked. One thread calls all of it: tick() every 50-100
/// ms.
class Observer {
 public:
  /// A report holds at most about this much JSON; what is more goes into further ones of the same instant.
  static constexpr std::size_t kReportBytes = 1024 * 1024;
  static constexpr std::chrono::minutes kHostsEvery{1};
  static constexpr std::chrono::hours kHostsAgain{1};
  static constexpr std::chrono::minutes kProcessAgain{1};

  using Sink = std::function<void(const wire::Report&)>;

  /// `facts` and `reverseDns` may be null: then owners, uncaptured edges and PTR names stay unknown. `reportsDropped`
  /// tells how many reports the sender lost.
  Observer(ObserverSettings settings, const Clock& clock, FactSource* facts, ReverseDns* reverseDns, Sink sink,
           std::function<std::uint64_t()> reportsDropped);

  /// Adds a worker's channel, which outlives this; before the first tick.
  void attach(Channel& channel) { aggregator_.attach(channel); }
  void tick();
  /// The end of the proxy, after its workers: drains and seals what is there.
  void finish();

  const Aggregator& aggregator() const { return aggregator_; }
  const Pins& pins() const { return pins_; }

 private:
  void takeFacts();
  void noteProcesses(const std::vector<guard::SocketFact>& sockets);
  void noteHosts();
  /// Of what stretch of time a report is.
  void stamp(wire::Report& report);
  void seal();
  void send(wire::Report& report);

  const ObserverSettings settings_;
  const Clock& clock_;
  FactSource* const facts_;
  ReverseDns* const reverseDns_;
  const Sink sink_;
  const std::function<std::uint64_t()> reportsDropped_;
  Owners owners_;
  Pins pins_;
  NameCollector names_;
  Aggregator aggregator_;
  Inventory inventory_;
  std::unordered_map<SocketAddress, std::uint32_t> processes_;  // told of in the last kProcessAgain
  Monotonic processesSince_;
  std::vector<HostsEntry> hosts_;
  Monotonic hostsRead_{};
  Monotonic hostsTold_{};
  Monotonic sealed_;
  std::int64_t from_;
  std::uint64_t sequence_ = 0;
};

}  // namespace loam::observe
