#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace loam::upstream {

/// Consistent hashing by a table in which every endpoint has the same number of places, within one (Eisenbud et al.,
/// "Maglev: a fast and reliable software network load balancer", NSDI 2016, 3.4). One look-up; where one goes, nearly
/// all other keys stay. Immutable; the same for the same names in the same order.
class MaglevTable {
 public:
  static constexpr std::size_t kPlaces = 65'537;  ///< a prime (Envoy's and Istio's)

  explicit MaglevTable(std::span<const std::string> names);

  /// The first that `accepts` takes of those where the key stands, each next place drawn from the key too; names()
  /// where none does.
  template <class Accepts>
  std::size_t find(std::uint64_t key, Accepts accepts) const;
  std::size_t names() const { return names_; }

 private:
  static std::uint64_t next(std::uint64_t key);

  std::vector<std::uint32_t> places_;
  std::size_t names_;
};

template <class Accepts>
std::size_t MaglevTable::find(std::uint64_t key, Accepts accepts) const {
  if (names_ == 0) return names_;
  const std::size_t tries = 4 * names_;
  for (std::size_t attempt = 0; attempt < tries; ++attempt, key = next(key)) {
    const std::size_t name = places_[key % kPlaces];
    if (accepts(name)) return name;
  }
  // So many throws missed it: whoever is left, from where the key stands.
  const std::size_t first = places_[key % kPlaces];
  for (std::size_t step = 0; step < names_; ++step) {
    const std::size_t name = (first + step) % names_;
    if (accepts(name)) return name;
  }
  return names_;
}

}  // namespace loam::upstream
