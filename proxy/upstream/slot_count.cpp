#include "proxy/upstream/slot_count.h"

#include <algorithm>

namespace loam::upstream {

namespace {

constexpr unsigned kCountBits = 22;
constexpr std::uint64_t kMostCount = (1U << kCountBits) - 1;
constexpr std::uint64_t kSlots = 1U << 20U;
constexpr std::uint64_t kLate = 64;  // slots that a count may come late; further off they are of another age

std::uint64_t slotOf(std::uint64_t word) { return word >> (2 * kCountBits); }

SlotCount::Counts countsOf(std::uint64_t word) {
  return {static_cast<std::uint32_t>(word >> kCountBits & kMostCount), static_cast<std::uint32_t>(word & kMostCount)};
}

std::uint64_t wordOf(std::uint64_t slot, std::uint64_t all, std::uint64_t marked) {
  return slot << (2 * kCountBits) | std::min(all, kMostCount) << kCountBits | std::min(marked, kMostCount);
}

std::uint32_t less(std::uint32_t count, std::uint32_t by) { return count < by ? 0 : count - by; }

}  // namespace

SlotCount::Counts SlotCount::add(std::uint64_t slot, std::uint32_t all, std::uint32_t marked) {
  slot %= kSlots;
  std::uint64_t before = word_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t behind = (slotOf(before) - slot) % kSlots;  // by how many the new one is older
    const bool goesOn = behind <= kLate;
    const Counts held = goesOn ? countsOf(before) : Counts{};
    const std::uint64_t after =
        wordOf(goesOn ? slotOf(before) : slot, std::uint64_t{held.all} + all, std::uint64_t{held.marked} + marked);
    if (word_.compare_exchange_weak(before, after, std::memory_order_relaxed)) return countsOf(after);
  }
}

void SlotCount::takeBack(std::uint64_t slot, std::uint32_t all, std::uint32_t marked) {
  slot %= kSlots;
  std::uint64_t before = word_.load(std::memory_order_relaxed);
  while (slotOf(before) == slot) {
    const Counts held = countsOf(before);
    const std::uint64_t after = wordOf(slot, less(held.all, all), less(held.marked, marked));
    if (word_.compare_exchange_weak(before, after, std::memory_order_relaxed)) return;
  }
}

SlotCount::Counts SlotCount::of(std::uint64_t slot) const {
  const std::uint64_t word = word_.load(std::memory_order_relaxed);
  return slotOf(word) == slot % kSlots ? countsOf(word) : Counts{};
}

}  // namespace loam::upstream
