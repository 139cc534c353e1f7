#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"

namespace loam::filters {

/// What one source address may do.
struct SourceBounds {
  std::optional<std::uint32_t> open{};  ///< connections at once; at most SourceTable::kMostOpen
  nanoseconds apart{0};                 ///< new connections on the long run; 0: no bound
  nanoseconds ahead{0};                 ///< so far ahead of that pace a source may be: (burst - 1) x apart
};

/// The source addresses that have connections to one service open, how many, and how far each is ahead of its pace.
/// Of fixed size, whoever calls; a source takes a place while it has connections open or is ahead, and where no place
/// is left it is not counted by itself. Addresses are told apart by a keyed hash of 43 bits within a set: that two
/// share a place by chance is less likely than one in a million with the table full. Any thread, no locks.
class SourceTable {
 public:
  static constexpr std::size_t kSets = 1024;
  static constexpr std::size_t kWays = 8;
  static constexpr std::uint32_t kMostOpen = (1U << 20) - 1;

  /// `seed` keys the hash, so that nobody can choose addresses that share a set.
  explicit SourceTable(std::uint64_t seed) : seed_(seed) {}
  SourceTable(const SourceTable&) = delete;
  SourceTable& operator=(const SourceTable&) = delete;

  enum class Answer : std::uint8_t {
    Taken,    ///< one more is open: release() it when it ends
    TooMany,  ///< as many as may be are open
    TooFast,  ///< it comes too early
    NoPlace,  ///< the source is not counted: too many others are
  };
  /// One of the places; 0 to kSets * kWays - 1.
  using Place = std::uint32_t;

  /// One more connection of `source`, if its bounds allow it. However many threads ask, no more than that are open.
  Answer take(const IpAddress& source, const SourceBounds& bounds, Monotonic now, Place& place);
  void release(Place place);
  /// Connections of it that are open; 0 where it has no place.
  std::uint32_t open(const IpAddress& source) const;

 private:
  struct Slot {
    std::atomic<std::uint64_t> word{0};     // who it is of, and how many are open; 0: nobody's yet
    std::atomic<std::int64_t> earliest{0};  // ns: when the next one is due at that pace
  };

  std::uint64_t hashOf(const IpAddress& source) const;
  /// What there is of a source. More than one place only in the instant in which several threads give it its first.
  struct Sight {
    unsigned places = 0;
    Place first = 0;
    std::uint64_t word = 0;  // of the first
    std::uint64_t open = 0;  // in all of them
  };
  Sight look(std::uint64_t hash) const;
  std::optional<Place> freeFor(std::uint64_t hash, Monotonic now) const;
  bool claim(Place place, std::uint64_t hash);
  bool isInTime(Slot& slot, const SourceBounds& bounds, Monotonic now);

  const std::uint64_t seed_;
  std::array<Slot, kSets * kWays> slots_{};
};

}  // namespace loam::filters
