#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "proxy/base/clock.h"

namespace loam::filters {

/// A pace, as the generic cell rate algorithm (ITU-T I.371) has it.
struct Pace {
  nanoseconds apart{0};  ///< between two, on the long run; more than 0
  nanoseconds ahead{0};  ///< so far ahead of that somebody may be: (burst - 1) x apart
};

/// How fast each of many went, by keys of any kind: the buckets of one service's rate limits. Of fixed size (128 KiB),
/// whoever asks; a key takes a place while its bucket is not full, and where no place is left it is not counted. Keys
/// are told apart by a keyed hash of 64 bits. Any thread, no locks.
class RateTable {
 public:
  static constexpr std::size_t kSets = 1024;
  static constexpr std::size_t kWays = 8;

  /// `seed` keys the hash, so that nobody can choose keys that share a set.
  explicit RateTable(std::uint64_t seed) : seed_(seed) {}
  RateTable(const RateTable&) = delete;
  RateTable& operator=(const RateTable&) = delete;

  struct Answer {
    bool isWithin = true;
    nanoseconds wait{0};  ///< where it is not: until one would be
    nanoseconds full{0};  ///< until the bucket is full again, were nobody to come
  };
  /// One more of `key` in `limit`.
  Answer take(std::string_view limit, std::string_view key, const Pace& pace, Monotonic now);
  /// The last one did not happen after all.
  void giveBack(std::string_view limit, std::string_view key, const Pace& pace);

  /// Asked for while no place was left.
  std::uint64_t uncounted() const { return uncounted_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::atomic<std::uint64_t> tag{0};  // 0: nobody's
    std::atomic<std::int64_t> due{0};   // ns: when the next one is, at that pace
  };
  std::uint64_t tagOf(std::string_view limit, std::string_view key) const;
  Slot* find(std::uint64_t tag);
  Slot* claim(std::uint64_t tag, std::int64_t at);

  const std::uint64_t seed_;
  std::atomic<std::uint64_t> uncounted_{0};
  std::array<Slot, kSets * kWays> slots_{};
};

}  // namespace loam::filters
