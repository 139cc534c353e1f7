#include "proxy/filters/source_table.h"

#include <algorithm>
#include <cstring>

namespace loam::filters {

namespace {

constexpr unsigned kOpenBits = 20;
constexpr std::uint64_t kOpenMask = SourceTable::kMostOpen;

/// The upper bits say whose a place is; never 0.
constexpr std::uint64_t tagOf(std::uint64_t hash) { return (hash & ~kOpenMask) | 1ULL << 63; }

constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

std::int64_t nanosecondsOf(Monotonic time) {
  return std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

std::uint64_t SourceTable::hashOf(const IpAddress& source) const {
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), source.bytes().data(), sizeof halves);
  return mix(mix(seed_ ^ halves[0]) ^ halves[1]);
}

std::optional<SourceTable::Answer> SourceTable::takeKnown(std::uint64_t hash, const SourceBounds& bounds,
                                                          Place& place) {
  const std::uint32_t most = std::min(bounds.open.value_or(kMostOpen), kMostOpen);
  const auto first = static_cast<Place>(hash % kSets * kWays);
  for (Place at = first; at < first + kWays; ++at) {
    std::uint64_t word = slots_[at].word.load();
    while ((word & ~kOpenMask) == tagOf(hash)) {
      if ((word & kOpenMask) >= most) return Answer::TooMany;
      if (!slots_[at].word.compare_exchange_weak(word, word + 1)) continue;
      place = at;
      return Answer::Taken;
    }
  }
  return std::nullopt;
}

bool SourceTable::takeFree(std::uint64_t hash, Monotonic now, Place& place, bool& anyFree) {
  const auto first = static_cast<Place>(hash % kSets * kWays);
  anyFree = false;
  for (Place at = first; at < first + kWays; ++at) {
    std::uint64_t word = slots_[at].word.load();
    if ((word & kOpenMask) != 0 || slots_[at].earliest.load() > nanosecondsOf(now)) continue;
    anyFree = true;
    place = at;
    // The first free one or none: two who look for the same source at once must not both find a place.
    return slots_[at].word.compare_exchange_strong(word, tagOf(hash) | 1);
  }
  return false;
}

bool SourceTable::isInTime(Slot& slot, const SourceBounds& bounds, Monotonic now) {
  if (bounds.apart == nanoseconds(0)) return true;
  const std::int64_t at = nanosecondsOf(now);
  std::int64_t due = slot.earliest.load();
  do {
    if (due - at > bounds.ahead.count()) return false;
  } while (!slot.earliest.compare_exchange_weak(due, std::max(due, at) + bounds.apart.count()));
  return true;
}

SourceTable::Answer SourceTable::take(const IpAddress& source, const SourceBounds& bounds, Monotonic now,
                                      Place& place) {
  const std::uint64_t hash = hashOf(source);
  for (;;) {
    auto answer = takeKnown(hash, bounds, place);
    if (!answer) {
      bool anyFree = false;
      if (takeFree(hash, now, place, anyFree)) {
        answer = Answer::Taken;
      } else if (!anyFree) {
        return Answer::NoPlace;
      } else {
        continue;  // somebody was faster, perhaps for the same source
      }
    }
    if (*answer != Answer::Taken || isInTime(slots_[place], bounds, now)) return *answer;
    release(place);
    return Answer::TooFast;
  }
}

void SourceTable::release(Place place) { slots_[place].word.fetch_sub(1); }

std::uint32_t SourceTable::open(const IpAddress& source) const {
  const std::uint64_t hash = hashOf(source);
  const std::size_t first = hash % kSets * kWays;
  for (std::size_t at = first; at < first + kWays; ++at) {
    const std::uint64_t word = slots_[at].word.load();
    if ((word & ~kOpenMask) == tagOf(hash)) return static_cast<std::uint32_t>(word & kOpenMask);
  }
  return 0;
}

}  // namespace loam::filters
