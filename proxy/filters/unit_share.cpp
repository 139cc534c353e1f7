#include "proxy/filters/unit_share.h"

#include <algorithm>

#include "proxy/base/stable_hash.h"

namespace loam::filters {

bool UnitShare::has(std::string_view unit) const {
  const auto among = [unit](const std::vector<std::string>& sorted) {
    return std::binary_search(sorted.begin(), sorted.end(), unit, std::less<>());
  };
  if (among(exclude_)) return false;
  if (share_ == kWhole || among(include_)) return true;
  return share_ > 0 && bucketOf(salt_, unit) < static_cast<std::uint32_t>(share_);
}

}  // namespace loam::filters
