#include "proxy/upstream/hash_ring.h"

#include <algorithm>

#include "proxy/base/stable_hash.h"

namespace loam::upstream {

HashRing::HashRing(std::span<const std::string> names) : names_(names.size()) {
  if (names.empty()) return;
  const std::size_t wanted = std::max(kPoints, (kLeast + names.size() - 1) / names.size());
  const std::size_t each = std::clamp<std::size_t>(kMost / names.size(), 1, wanted);
  points_.reserve(each * names.size());
  for (std::size_t name = 0; name < names.size(); ++name) {
    for (std::size_t point = 0; point < each; ++point) {
      points_.push_back({murmur3(names[name] + "#" + std::to_string(point)), static_cast<std::uint32_t>(name)});
    }
  }
  std::sort(points_.begin(), points_.end());
}

std::size_t HashRing::behind(std::uint32_t at) const {
  const auto found = std::lower_bound(points_.begin(), points_.end(), Point{at, 0});
  return found == points_.end() ? 0 : static_cast<std::size_t>(found - points_.begin());
}

}  // namespace loam::upstream
