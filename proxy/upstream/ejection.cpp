#include "proxy/upstream/ejection.h"

#include <utility>

#include "proxy/upstream/nanoseconds_of.h"

namespace loam::upstream {

namespace {

constexpr std::uint32_t kHundred = 100;

std::uint32_t bitOf(Failure failure) { return 1U << static_cast<unsigned>(failure); }

}  // namespace

Ejection::Ejection(EjectionTerms terms, std::shared_ptr<ServiceState> service,
                   std::vector<std::shared_ptr<EndpointState>> all, bool heedsHealth)
    : terms_(std::move(terms)), service_(std::move(service)), all_(std::move(all)), heedsHealth_(heedsHealth) {
  for (const Failure failure : terms_.on) counted_ |= bitOf(failure);
  if (counts(Failure::ServerError)) counted_ |= bitOf(Failure::GatewayError);  // which is one
}

bool Ejection::counts(Failure failure) const { return (counted_ & bitOf(failure)) != 0; }

void Ejection::onOutcome(EndpointState& endpoint, std::optional<Failure> failure, Monotonic now) const {
  const bool failed = failure && counts(*failure);
  std::uint32_t inARow = 0;
  if (failed) inARow = endpoint.countFailure();
  if (!failed) endpoint.countSuccess();
  bool tooMany = inARow >= terms_.consecutive;
  if (terms_.failurePercent) {
    const auto slot = static_cast<std::uint64_t>(nanosecondsOf(now) / terms_.interval.count());
    const auto [all, marked] = endpoint.interval().add(slot, 1, failed ? 1 : 0);
    const bool isShare = std::uint64_t{marked} * kHundred >= std::uint64_t{all} * *terms_.failurePercent;
    tooMany = tooMany || (all >= terms_.leastExchanges && isShare);
  }
  if (failed && tooMany && !endpoint.isOut()) ejectIfItMay(endpoint, now);
}

void Ejection::onProbe(EndpointState& endpoint, std::optional<Failure> failure, Monotonic now) const {
  if (failure && counts(*failure)) {
    endpoint.eject(now, terms_.base, terms_.most);
    service_->ejections.fetch_add(1, std::memory_order_relaxed);
  } else {
    endpoint.comeBack(now);
    service_->returns.fetch_add(1, std::memory_order_relaxed);
  }
}

/// One thread counts at a time: two that did at once would each find room for theirs. Who finds it taken goes on: the
/// next failure asks again.
void Ejection::ejectIfItMay(EndpointState& endpoint, Monotonic now) const {
  if (service_->ejecting.test_and_set(std::memory_order_acquire)) return;
  if (!endpoint.isOut()) {
    const bool may = mayEject(endpoint);
    if (may) endpoint.eject(now, terms_.base, terms_.most);
    (may ? service_->ejections : service_->spared).fetch_add(1, std::memory_order_relaxed);
  }
  service_->ejecting.clear(std::memory_order_release);
}

bool Ejection::mayEject(const EndpointState& endpoint) const {
  std::size_t out = 0;
  std::size_t rest = 0;
  for (const auto& other : all_) {
    if (other.get() == &endpoint) continue;
    if (other->isOut()) {
      ++out;
    } else if (!heedsHealth_ || other->isHealthy()) {
      ++rest;
    }
  }
  return rest > 0 && (out == 0 || (out + 1) * kHundred <= all_.size() * terms_.maxPercent);
}

}  // namespace loam::upstream
