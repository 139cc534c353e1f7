#include "proxy/filters/connection_counts.h"

#include <random>

namespace loam::filters {

namespace {

std::uint64_t random64() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

std::shared_ptr<ConnectionCounts> ServiceLedger::of(const std::string& service) {
  const std::lock_guard lock(mutex_);
  std::erase_if(counts_, [](const auto& one) { return one.second.expired(); });
  std::weak_ptr<ConnectionCounts>& kept = counts_[service];
  if (auto counts = kept.lock()) return counts;
  // What it counted is not lost with it.
  std::shared_ptr<ConnectionCounts> fresh(new ConnectionCounts(random64()), [sum = othersBefore_](auto* counts) {
    *sum += counts->others;
    delete counts;
  });
  kept = fresh;
  return fresh;
}

std::shared_ptr<RateTable> ServiceLedger::ratesOf(const std::string& service) {
  const std::lock_guard lock(mutex_);
  std::erase_if(rates_, [](const auto& one) { return one.second.expired(); });
  std::weak_ptr<RateTable>& kept = rates_[service];
  if (auto rates = kept.lock()) return rates;
  auto fresh = std::make_shared<RateTable>(random64());
  kept = fresh;
  return fresh;
}

std::uint64_t ServiceLedger::others() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = *othersBefore_;
  for (const auto& [service, kept] : counts_) {
    if (const auto counts = kept.lock()) sum += counts->others;
  }
  return sum;
}

}  // namespace loam::filters
