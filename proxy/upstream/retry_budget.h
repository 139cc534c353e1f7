#pragma once

#include <memory>

#include "proxy/base/clock.h"
#include "proxy/upstream/service_state.h"

namespace loam::upstream {

/// The part of the load that may be repeats.
struct RetryBudgetTerms {
  double ratio = 0.1;              ///< of the exchanges of the window that are counted
  std::uint32_t minPerSecond = 1;  ///< whatever the ratio says
  nanoseconds window = seconds(10);
};

/// Bounds what repeats add to a service's load, of one caller's proxy over all workers: in no window are there more of
/// them than `ratio` of the exchanges that are counted and `minPerSecond` for each of its seconds. So retries cannot
/// make a storm: were all exchanges counted, the service would see 1 + ratio of what is asked, and that minimum;
/// `retries` counts those that went well. Made with the snapshot and immutable; what it counts outlives it. Any thread.
class RetryBudget {
 public:
  RetryBudget(RetryBudgetTerms terms, std::shared_ptr<ServiceState> service);

  /// Counts an exchange; its repeats are none.
  void onExchange(Monotonic now) const;
  /// Takes one repeat, where there is one left.
  bool mayRepeat(Monotonic now) const;
  const RetryBudgetTerms& terms() const { return terms_; }

 private:
  std::uint64_t slotAt(Monotonic now) const;

  const RetryBudgetTerms terms_;
  const std::int64_t slot_;  // ns
  const std::shared_ptr<ServiceState> service_;
};

}  // namespace loam::upstream
