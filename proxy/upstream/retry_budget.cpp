#include "proxy/upstream/retry_budget.h"

#include <algorithm>
#include <utility>

#include "proxy/upstream/nanoseconds_of.h"

namespace loam::upstream {

RetryBudget::RetryBudget(RetryBudgetTerms terms, std::shared_ptr<ServiceState> service)
    : terms_(terms),
      slot_(std::max<std::int64_t>(1, terms.window.count() / static_cast<std::int64_t>(service->repeats.size()))),
      service_(std::move(service)) {}

std::uint64_t RetryBudget::slotAt(Monotonic now) const {
  return static_cast<std::uint64_t>(nanosecondsOf(now) / slot_);
}

void RetryBudget::onExchange(Monotonic now) const {
  const std::uint64_t slot = slotAt(now);
  service_->repeats[slot % service_->repeats.size()].add(slot, 1, 0);
}

/// Counts first and looks then: of two workers that want the last one none may get it, but never both.
bool RetryBudget::mayRepeat(Monotonic now) const {
  constexpr double kRounding = 1e-9;
  auto& slots = service_->repeats;
  const std::uint64_t slot = slotAt(now);
  slots[slot % slots.size()].add(slot, 0, 1);
  std::uint64_t exchanges = 0;
  std::uint64_t repeats = 0;
  for (std::uint64_t back = 0; back < slots.size() && back <= slot; ++back) {
    const auto [all, marked] = slots[(slot - back) % slots.size()].of(slot - back);
    exchanges += all;
    repeats += marked;
  }
  const double window = std::chrono::duration<double>(terms_.window).count();
  const double most = terms_.ratio * static_cast<double>(exchanges) + terms_.minPerSecond * window;
  if (static_cast<double>(repeats) <= most + kRounding) return true;
  slots[slot % slots.size()].takeBack(slot, 0, 1);
  service_->withheld.fetch_add(1, std::memory_order_relaxed);
  return false;
}

}  // namespace loam::upstream
