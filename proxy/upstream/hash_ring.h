#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace loam::upstream {

/// Consistent hashing on a ring: each endpoint stands at many points of it, a key belongs to the next one (Karger et
/// al., "Consistent hashing and random trees", 1997; points as in ketama). Where one goes, its keys alone move, to whom
/// stands behind its points. Immutable; the same for the same names in any order.
class HashRing {
 public:
  static constexpr std::size_t kPoints = 160;      ///< of an endpoint (ketama's)
  static constexpr std::size_t kLeast = 1024;      ///< of all together (Envoy's and Istio's)
  static constexpr std::size_t kMost = 1u << 18u;  ///< of all together; beyond it each has fewer

  explicit HashRing(std::span<const std::string> names);

  /// The first that `accepts` takes, walking on from where the key stands; names() where none does, all points later.
  template <class Accepts>
  std::size_t find(std::uint64_t key, Accepts accepts) const;
  std::size_t names() const { return names_; }

 private:
  struct Point {
    std::uint32_t at;
    std::uint32_t name;
    auto operator<=>(const Point&) const = default;
  };
  std::size_t behind(std::uint32_t at) const;

  std::vector<Point> points_;  // sorted
  std::size_t names_;
};

template <class Accepts>
std::size_t HashRing::find(std::uint64_t key, Accepts accepts) const {
  if (points_.empty()) return names_;
  const std::size_t first = behind(static_cast<std::uint32_t>(key));
  for (std::size_t step = 0; step < points_.size(); ++step) {
    const std::size_t name = points_[(first + step) % points_.size()].name;
    if (accepts(name)) return name;
  }
  return names_;
}

}  // namespace loam::upstream
