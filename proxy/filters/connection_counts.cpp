#include "proxy/filters/connection_counts.h"

#include <random>

namespace loam::filters {

namespace {

std::uint64_t random64() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

/// What is kept of that name, else a new one.
template <class T, class Make>
std::shared_ptr<T> keptOr(std::map<std::string, std::weak_ptr<T>>& all, const std::string& name, Make make) {
  std::erase_if(all, [](const auto& one) { return one.second.expired(); });
  std::weak_ptr<T>& kept = all[name];
  auto found = kept.lock();
  if (!found) kept = found = make();
  return found;
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

std::shared_ptr<std::atomic<std::uint32_t>> ServiceLedger::heldOf(const std::string& service) {
  const std::lock_guard lock(mutex_);
  return keptOr(held_, service, [] { return std::make_shared<std::atomic<std::uint32_t>>(0); });
}

std::shared_ptr<RateTable> ServiceLedger::ratesOf(const std::string& service) {
  const std::lock_guard lock(mutex_);
  return keptOr(rates_, service, [] { return std::make_shared<RateTable>(random64()); });
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
