#include "rollout/identity/join_limit.h"

#include <algorithm>

namespace loam::identity {

IpAddress JoinLimit::sourceOf(const IpAddress& from) {
  if (from.isV4()) return from;
  auto bytes = from.bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return IpAddress::v6(bytes);
}

bool JoinLimit::admits(const IpAddress& from, Monotonic now) {
  const auto found = counts_.find(sourceOf(from));
  if (found == counts_.end() || now - found->second.since >= kWindow) {
    if (counts_.size() >= kMostSources) prune(now);
    return counts_.size() < kMostSources;
  }
  return found->second.refusals < kMost;
}

void JoinLimit::refused(const IpAddress& from, Monotonic now) {
  Count& count = counts_.try_emplace(sourceOf(from), Count{now}).first->second;
  if (now - count.since >= kWindow) count = {now};
  ++count.refusals;
}

void JoinLimit::prune(Monotonic now) {
  std::erase_if(counts_, [now](const auto& entry) { return now - entry.second.since >= kWindow; });
}

}  // namespace loam::identity
