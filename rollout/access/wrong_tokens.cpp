#include "rollout/access/wrong_tokens.h"

#include <algorithm>

namespace loam::access {

milliseconds WrongTokens::note(std::string_view source, Monotonic now) {
  ++total_;
  while (!sources_.empty() && now - sources_.front().last >= kForget) {
    byName_.erase(sources_.front().name);
    sources_.pop_front();
  }
  auto found = byName_.find(source);
  if (found == byName_.end()) {
    if (sources_.size() >= kMostSources) {
      byName_.erase(sources_.front().name);
      sources_.pop_front();
    }
    sources_.push_back({std::string(source), 0, now});
    found = byName_.emplace(std::string(source), std::prev(sources_.end())).first;
  } else {
    sources_.splice(sources_.end(), sources_, found->second);
  }
  Source& one = *found->second;
  one.last = now;
  ++one.wrong;
  if (one.wrong <= kFree) return milliseconds(0);
  constexpr unsigned kMostDoublings = 10;  // beyond the longest already
  return std::min(kLongest, kFirst * (1U << std::min(one.wrong - kFree - 1, kMostDoublings)));
}

void WrongTokens::forgive(std::string_view source) {
  const auto found = byName_.find(source);
  if (found == byName_.end()) return;
  sources_.erase(found->second);
  byName_.erase(found);
}

unsigned WrongTokens::inARow(std::string_view source) const {
  const auto found = byName_.find(source);
  return found == byName_.end() ? 0 : found->second->wrong;
}

}  // namespace loam::access
