#include "proxy/filters/source_share.h"

#include <algorithm>
#include <functional>

#include "proxy/base/stable_hash.h"

namespace loam::filters {

namespace {

bool isAmong(const std::vector<std::string>& sorted, std::string_view unit) {
  return std::binary_search(sorted.begin(), sorted.end(), unit, std::less<>());
}

}  // namespace

bool SourceShare::has(std::string_view caller, const IpAddress& client) const {
  if (share >= kWhole && exclude.empty()) return true;
  const std::string unit = caller.empty() ? client.text() : std::string(caller);
  if (isAmong(exclude, unit)) return false;
  if (share >= kWhole || isAmong(include, unit)) return true;
  return !caller.empty() && share > 0 && bucketOf(salt, unit) < static_cast<std::uint32_t>(share);
}

}  // namespace loam::filters
