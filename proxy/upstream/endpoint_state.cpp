#include "proxy/upstream/endpoint_state.h"

#include <algorithm>
#include <utility>

#include "proxy/upstream/nanoseconds_of.h"

namespace loam::upstream {

namespace {

constexpr std::int64_t kDue = 1;  // an end of ejection that is over at any time

nanoseconds doubled(nanoseconds base, std::uint32_t times, nanoseconds most) {
  nanoseconds time = base;
  for (std::uint32_t i = 0; i < times && time < most; ++i) time *= 2;
  return std::min(time, most);
}

}  // namespace

EndpointState::EndpointState(std::shared_ptr<ServiceState> service, Monotonic now)
    : service_(std::move(service)), since_(0) {
  restart(now);
}

EndpointState::~EndpointState() {
  const std::uint32_t away = (isOut() ? 1U : 0U) + (isHealthy() ? 0U : 1U);
  service_->away.fetch_sub(away, std::memory_order_relaxed);
}

double EndpointState::cost(Monotonic now) const {
  constexpr double kForgotten = 1;        // us: no answer is that fast
  constexpr double kUnknown = 1'000'000;  // us: slower than those that are known
  const double latency = latency_.at(now);
  const double busy = underWay();
  if (latency < kForgotten) return busy == 0 ? 0 : kUnknown * (busy + 1);
  return latency * (busy + 1);
}

double EndpointState::share(Monotonic now, nanoseconds slowStart) const {
  const std::int64_t passed = nanosecondsOf(now) - since_.load(std::memory_order_relaxed);
  if (passed >= slowStart.count()) return 1;
  return std::max(kLeastShare, static_cast<double>(passed) / static_cast<double>(slowStart.count()));
}

void EndpointState::restart(Monotonic now) {
  const std::int64_t at = nanosecondsOf(now);
  since_.store(at, std::memory_order_relaxed);
  std::int64_t newest = service_->newest.load(std::memory_order_relaxed);
  while (newest < at && !service_->newest.compare_exchange_weak(newest, at, std::memory_order_relaxed)) {
  }
}

void EndpointState::setHealthy(bool healthy, Monotonic now) {
  if (healthy_.load(std::memory_order_relaxed) == healthy) return;
  if (healthy) restart(now);  // before anybody picks it
  if (healthy_.exchange(healthy) == healthy) return;
  if (healthy) {
    service_->away.fetch_sub(1, std::memory_order_relaxed);
  } else {
    service_->away.fetch_add(1, std::memory_order_relaxed);
  }
}

void EndpointState::onCheck(bool good, std::uint32_t healthyAfter, std::uint32_t unhealthyAfter, Monotonic now) {
  const std::int32_t before = checks_.load(std::memory_order_relaxed);
  const std::int32_t sameBefore = good ? std::max(before, 0) : std::max(-before, 0);
  const std::int32_t inARow = std::min(sameBefore + 1, INT16_MAX);
  checks_.store(good ? inARow : -inARow, std::memory_order_relaxed);
  if (std::cmp_greater_equal(inARow, good ? healthyAfter : unhealthyAfter)) setHealthy(good, now);
}

bool EndpointState::isEjected(Monotonic now) const {
  const std::int64_t until = until_.load(std::memory_order_relaxed);
  return until != 0 && until > nanosecondsOf(now);
}

void EndpointState::eject(Monotonic now, nanoseconds base, nanoseconds most) {
  const std::int64_t at = nanosecondsOf(now);
  std::uint32_t before = ejections();
  if (!isOut() && at - returned_.load(std::memory_order_relaxed) >= most.count()) before = 0;
  ejections_.store(before + 1, std::memory_order_relaxed);
  failures_.store(0, std::memory_order_relaxed);
  interval_.clear();
  const std::int64_t until = at + doubled(base, before, most).count();
  if (until_.exchange(until) == 0) service_->away.fetch_add(1, std::memory_order_relaxed);
}

void EndpointState::comeBack(Monotonic now) {
  returned_.store(nanosecondsOf(now), std::memory_order_relaxed);
  failures_.store(0, std::memory_order_relaxed);
  interval_.clear();
  if (until_.exchange(0) != 0) service_->away.fetch_sub(1, std::memory_order_relaxed);
}

std::int64_t EndpointState::takeProbe(Monotonic now, nanoseconds within) {
  std::int64_t until = until_.load(std::memory_order_relaxed);
  const std::int64_t at = nanosecondsOf(now);
  if (until == 0 || until > at) return 0;
  const std::int64_t taken = at + within.count();
  return until_.compare_exchange_strong(until, taken) ? taken : 0;
}

void EndpointState::giveBackProbe(std::int64_t taken) { until_.compare_exchange_strong(taken, kDue); }

}  // namespace loam::upstream
