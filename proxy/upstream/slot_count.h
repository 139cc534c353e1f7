#pragma once

#include <atomic>
#include <cstdint>

namespace loam::upstream {

/// Two counts of one slot of time, in one word, so that whoever is first in the next slot begins both anew without a
/// lock. Each holds up to 4 million and then stays there. Slots are told apart by their last 20 bits. Any thread.
class SlotCount {
 public:
  struct Counts {
    std::uint32_t all = 0;
    std::uint32_t marked = 0;
  };

  /// Counts in `slot`, and gives what stands there then. One that is older than what stands here counts to that: it
  /// came late.
  Counts add(std::uint64_t slot, std::uint32_t all, std::uint32_t marked);
  /// Takes back what add() counted in `slot`, unless another one has begun since.
  void takeBack(std::uint64_t slot, std::uint32_t all, std::uint32_t marked);
  /// Nothing where another slot stands here.
  Counts of(std::uint64_t slot) const;
  /// To nothing.
  void clear() { word_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> word_{0};  // 20 bits of the slot, 22 of each count
};

}  // namespace loam::upstream
