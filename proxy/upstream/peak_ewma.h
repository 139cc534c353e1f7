#pragma once

#include <atomic>
#include <cstdint>

#include "proxy/base/clock.h"

namespace loam::upstream {

/// How long one endpoint takes, with a bias to the worst: a slower answer counts at once and whole, faster ones pull it
/// down with the time, and where nothing is heard it fades. The estimate of Finagle's and Linkerd's balancers
/// (com.twitter.finagle.loadbalancer.PeakEwma; tower::load::PeakEwma), after Cho's "peak exponentially weighted moving
/// average". Time and estimate are one word, so that workers share it without a lock. Any thread.
class PeakEwma {
 public:
  static constexpr seconds kDecay{10};  ///< the past weighs 1/e after that (dataplane.md 4; Finagle's)

  void observe(nanoseconds latency, Monotonic now);
  /// Microseconds; 0 where nothing was heard yet, or not for so long that it is forgotten.
  double at(Monotonic now) const;

 private:
  std::atomic<std::uint64_t> word_{0};  // when, in ms (the last 32 bits of it), and a float
};

}  // namespace loam::upstream
