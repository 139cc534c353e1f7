#include "proxy/filters/source_table.h"

#include <algorithm>
#include <cstring>

#include "proxy/filters/table_keys.h"

namespace loam::filters {

namespace {

constexpr std::uint64_t kOpenMask = SourceTable::kMostOpen;

/// The upper bits say whose a place is; never 0.
constexpr std::uint64_t tagOf(std::uint64_t hash) { return (hash & ~kOpenMask) | 1ULL << 63; }

}  // namespace

std::uint64_t SourceTable::hashOf(const IpAddress& source) const {
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), source.bytes().data(), sizeof halves);
  return mix(mix(seed_ ^ halves[0]) ^ halves[1]);
}

SourceTable::Sight SourceTable::look(std::uint64_t hash) const {
  Sight sight;
  const auto first = static_cast<Place>(hash % kSets * kWays);
  for (Place at = first; at < first + kWays; ++at) {
    const std::uint64_t word = slots_[at].word.load();
    if ((word & ~kOpenMask) != tagOf(hash)) continue;
    if (sight.places++ == 0) {
      sight.first = at;
      sight.word = word;
    }
    sight.open += word & kOpenMask;
  }
  return sight;
}

std::optional<SourceTable::Place> SourceTable::freeFor(std::uint64_t hash, Monotonic now) const {
  const auto first = static_cast<Place>(hash % kSets * kWays);
  for (Place at = first; at < first + kWays; ++at) {
    const bool isOpen = (slots_[at].word.load() & kOpenMask) != 0;
    if (!isOpen && slots_[at].earliest.load() <= nanosecondsOf(now)) return at;
  }
  return std::nullopt;
}

/// Whether the place is the source's now, with one connection open. Two that look for the same source at once may both
/// find one: then each lets go, and finds what the other had.
bool SourceTable::claim(Place place, std::uint64_t hash) {
  std::uint64_t word = slots_[place].word.load();
  if ((word & kOpenMask) != 0) return false;
  if (!slots_[place].word.compare_exchange_strong(word, tagOf(hash) | 1)) return false;
  if (look(hash).places == 1) return true;
  release(place);
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
  const std::uint32_t most = std::min(bounds.open.value_or(kMostOpen), kMostOpen);
  for (bool isTaken = false; !isTaken;) {
    Sight known = look(hash);
    if (known.places != 0) {
      if (known.open >= most) return Answer::TooMany;
      place = known.first;
      isTaken = slots_[place].word.compare_exchange_strong(known.word, known.word + 1);
      continue;
    }
    const auto free = freeFor(hash, now);
    if (!free) return Answer::NoPlace;
    place = *free;
    isTaken = claim(place, hash);
  }
  if (isInTime(slots_[place], bounds, now)) return Answer::Taken;
  release(place);
  return Answer::TooFast;
}

void SourceTable::release(Place place) { slots_[place].word.fetch_sub(1); }

std::uint32_t SourceTable::open(const IpAddress& source) const {
  return static_cast<std::uint32_t>(look(hashOf(source)).open);
}

}  // namespace loam::filters
