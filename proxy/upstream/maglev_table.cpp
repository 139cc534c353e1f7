#include "proxy/upstream/maglev_table.h"

#include "proxy/base/stable_hash.h"

namespace loam::upstream {

namespace {

constexpr std::uint32_t kFree = UINT32_MAX;

/// The order in which a name wants the places.
struct Wishes {
  std::size_t at;
  std::size_t step;
};

}  // namespace

MaglevTable::MaglevTable(std::span<const std::string> names) : names_(names.size()) {
  if (names.empty()) return;
  std::vector<Wishes> wishes;
  wishes.reserve(names.size());
  for (const std::string& name : names)
    wishes.push_back({murmur3(name) % kPlaces, murmur3(name, 1) % (kPlaces - 1) + 1});
  places_.assign(kPlaces, kFree);
  std::size_t name = 0;
  for (std::size_t filled = 0; filled < kPlaces; ++filled, name = (name + 1) % names.size()) {
    Wishes& wish = wishes[name];
    while (places_[wish.at] != kFree) wish.at = (wish.at + wish.step) % kPlaces;
    places_[wish.at] = static_cast<std::uint32_t>(name);
  }
}

std::uint64_t MaglevTable::next(std::uint64_t key) {
  key ^= key >> 31U;
  key *= 0xBF58476D1CE4E5B9U;
  return key ^ (key >> 29U);
}

}  // namespace loam::upstream
