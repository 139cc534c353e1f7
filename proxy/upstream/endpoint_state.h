#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "proxy/upstream/peak_ewma.h"
#include "proxy/upstream/service_state.h"

namespace loam::upstream {

/// What is known of one endpoint of a service, for all workers together and across snapshots. Any thread; no locks.
class EndpointState {
 public:
  static constexpr double kLeastShare = 0.1;  ///< in slow start, from its first moment (Envoy's)

  /// New since `now`.
  EndpointState(std::shared_ptr<ServiceState> service, Monotonic now);
  EndpointState(const EndpointState&) = delete;
  EndpointState& operator=(const EndpointState&) = delete;
  ~EndpointState();

  /// Exchanges that are under way.
  std::uint32_t underWay() const { return underWay_.load(std::memory_order_relaxed); }
  void begin() { underWay_.fetch_add(1, std::memory_order_relaxed); }
  void end() { underWay_.fetch_sub(1, std::memory_order_relaxed); }
  PeakEwma& latency() { return latency_; }
  const PeakEwma& latency() const { return latency_; }
  /// The load that peak EWMA compares: how long one more would take there. Where nobody knows, the first one is free
  /// and those behind it wait for its answer.
  double cost(Monotonic now) const;

  /// What it is to get of a whole share: less than 1 while it is new. It grows with the time since it came.
  double share(Monotonic now, nanoseconds slowStart) const;
  /// It is new once more: it was away.
  void restart(Monotonic now);

  /// By active checks; healthy until they say otherwise.
  bool isHealthy() const { return healthy_.load(std::memory_order_relaxed); }
  /// An endpoint that comes back starts slowly.
  void setHealthy(bool healthy, Monotonic now);
  /// A check had its answer: so many of a kind in a row make it healthy or unhealthy. One thread at a time.
  void onCheck(bool good, std::uint32_t healthyAfter, std::uint32_t unhealthyAfter, Monotonic now);

  /// Ejected, and its time is not over, or a probe is out.
  bool isEjected(Monotonic now) const;
  /// Ejected at all: also when it waits for its probe.
  bool isOut() const { return until_.load(std::memory_order_relaxed) != 0; }
  /// How often in a row it was ejected: what doubles its time.
  std::uint32_t ejections() const { return ejections_.load(std::memory_order_relaxed); }
  /// Failures in a row.
  std::uint32_t failures() const { return failures_.load(std::memory_order_relaxed); }
  /// Exchanges and failures of an interval.
  SlotCount& interval() { return interval_; }

  /// The count after one more.
  std::uint32_t countFailure() { return failures_.fetch_add(1, std::memory_order_relaxed) + 1; }
  void countSuccess() {
    if (failures() != 0) failures_.store(0, std::memory_order_relaxed);
  }
  /// Out until base x 2^n from now, at most `most`. One that was in again for as long as `most` begins anew at n = 0.
  void eject(Monotonic now, nanoseconds base, nanoseconds most);
  /// It did well in its probe.
  void comeBack(Monotonic now);
  /// The right to be the probe: of all who ask when the time of an ejected endpoint is over one gets it, and then
  /// nobody for as long as `within`. 0: no; else what to hand to giveBackProbe() where nothing came of it.
  std::int64_t takeProbe(Monotonic now, nanoseconds within);
  void giveBackProbe(std::int64_t taken);

 private:
  const std::shared_ptr<ServiceState> service_;
  // Asked at every pick, changed seldom.
  std::atomic<std::int64_t> since_;
  std::atomic<std::int64_t> until_{0};     // ns; 0: not ejected
  std::atomic<std::int64_t> returned_{0};  // ns: when it came back last
  std::atomic<std::uint32_t> ejections_{0};
  std::atomic<std::int32_t> checks_{0};  // good ones in a row; below 0: failed ones
  std::atomic<bool> healthy_{true};
  // Changed by every exchange.
  alignas(64) std::atomic<std::uint32_t> underWay_{0};
  std::atomic<std::uint32_t> failures_{0};
  PeakEwma latency_;
  SlotCount interval_;
};

}  // namespace loam::upstream
