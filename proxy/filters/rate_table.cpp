#include "proxy/filters/rate_table.h"

#include <algorithm>

#include "proxy/base/stable_hash.h"
#include "proxy/filters/table_keys.h"

namespace loam::filters {

std::uint64_t RateTable::tagOf(std::string_view limit, std::string_view key) const {
  // The seed goes in first and again last: who knows the hash and not the seed can aim at no set.
  const std::uint64_t named = mix(fnv1a(limit, mix(seed_)) ^ seed_);
  return mix(fnv1a(key, named) ^ seed_) | 1;
}

RateTable::Slot* RateTable::find(std::uint64_t tag) {
  Slot* const set = &slots_[tag / 2 % kSets * kWays];
  Slot* const found = std::find_if(set, set + kWays, [tag](const Slot& slot) { return slot.tag.load() == tag; });
  return found == set + kWays ? nullptr : found;
}

/// A place that nobody needs: where two threads bring the same key at once, both go on with the first of the places
/// that they gave it, and the other one is nobody's again.
RateTable::Slot* RateTable::claim(std::uint64_t tag, std::int64_t at) {
  Slot* const set = &slots_[tag / 2 % kSets * kWays];
  for (Slot* slot = set; slot < set + kWays; ++slot) {
    std::uint64_t before = slot->tag.load();
    if (slot->due.load() > at || !slot->tag.compare_exchange_strong(before, tag)) continue;
    Slot* const first = find(tag);
    if (first != slot && first != nullptr) slot->tag.compare_exchange_strong(tag, 0);
    return first == nullptr ? slot : first;
  }
  return nullptr;
}

RateTable::Answer RateTable::take(std::string_view limit, std::string_view key, const Pace& pace, Monotonic now) {
  const std::uint64_t tag = tagOf(limit, key);
  const std::int64_t at = nanosecondsOf(now);
  Slot* slot = find(tag);
  if (slot == nullptr) slot = claim(tag, at);
  if (slot == nullptr) {
    uncounted_.fetch_add(1, std::memory_order_relaxed);
    return {};
  }
  std::int64_t due = slot->due.load();
  for (;;) {
    if (due - at > pace.ahead.count()) return {false, nanoseconds(due - at) - pace.ahead, nanoseconds(due - at)};
    const std::int64_t next = std::max(due, at) + pace.apart.count();
    if (slot->due.compare_exchange_weak(due, next)) return {true, nanoseconds(0), nanoseconds(next - at)};
  }
}

void RateTable::giveBack(std::string_view limit, std::string_view key, const Pace& pace) {
  if (Slot* const slot = find(tagOf(limit, key))) slot->due.fetch_sub(pace.apart.count());
}

}  // namespace loam::filters
