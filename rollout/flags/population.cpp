#include "rollout/flags/population.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include "proxy/base/stable_hash.h"

namespace loam::flags {

namespace {

bool has(const std::vector<std::string>& sorted, const std::string& unit) {
  return std::binary_search(sorted.begin(), sorted.end(), unit);
}

}  // namespace

std::size_t membersOf(Share share, std::size_t count) {
  const auto product = static_cast<std::uint64_t>(std::max(share, 0)) * count;
  return static_cast<std::size_t>((product + kWhole - 1) / kWhole);
}

std::vector<std::string> switched(const Flag& flag, std::span<const std::string> units) {
  const std::set<std::string> population(units.begin(), units.end());
  std::vector<std::string> in;
  std::vector<std::pair<std::uint32_t, std::string>> others;  // by bucket, then by name
  for (const std::string& unit : population) {
    if (has(flag.exclude, unit)) continue;
    if (has(flag.include, unit)) {
      in.push_back(unit);
    } else {
      others.emplace_back(bucketOf(flag.salt, unit), unit);
    }
  }
  std::sort(others.begin(), others.end());
  const bool small = population.size() < kSmallPopulation;
  const std::size_t heads = membersOf(flag.share, population.size());
  for (std::size_t rank = 0; rank < others.size(); ++rank) {
    const bool chosen = small ? rank < heads : others[rank].first < static_cast<std::uint32_t>(flag.share);
    if (!chosen) break;
    in.push_back(others[rank].second);
  }
  return in;
}

}  // namespace loam::flags
