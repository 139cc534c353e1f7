#include "proxy/upstream/peak_ewma.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace loam::upstream {

namespace {

std::uint32_t millisecondOf(Monotonic time) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count());
}

std::uint32_t whenOf(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32U); }

double estimateOf(std::uint64_t word) { return std::bit_cast<float>(static_cast<std::uint32_t>(word)); }

std::uint64_t packed(std::uint32_t when, double estimate) {
  return std::uint64_t{when} << 32U | std::bit_cast<std::uint32_t>(static_cast<float>(estimate));
}

/// What is left of the past after that; another worker may have been a little ahead.
double rest(std::uint32_t from, std::uint32_t to) {
  constexpr std::uint32_t kAhead = 60'000;
  const std::uint32_t passed = to - from;
  if (passed > UINT32_MAX - kAhead) return 1;
  return std::exp(-static_cast<double>(passed) / static_cast<double>(milliseconds(PeakEwma::kDecay).count()));
}

}  // namespace

void PeakEwma::observe(nanoseconds latency, Monotonic now) {
  const double taken = std::max(1.0, static_cast<double>(latency.count()) / 1000);
  const std::uint32_t when = millisecondOf(now);
  std::uint64_t before = word_.load(std::memory_order_relaxed);
  for (;;) {
    const double past = estimateOf(before);
    const double weight = before == 0 ? 0 : rest(whenOf(before), when);
    const double estimate = taken >= past ? taken : past * weight + taken * (1 - weight);
    const std::uint64_t after = packed(when, estimate);
    if (word_.compare_exchange_weak(before, after, std::memory_order_relaxed)) return;
  }
}

double PeakEwma::at(Monotonic now) const {
  const std::uint64_t word = word_.load(std::memory_order_relaxed);
  return word == 0 ? 0 : estimateOf(word) * rest(whenOf(word), millisecondOf(now));
}

}  // namespace loam::upstream
