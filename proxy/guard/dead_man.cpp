#include "proxy/guard/dead_man.h"

#include <algorithm>

namespace loam::guard {

void DeadMan::engage(Monotonic now, std::span<const std::uint64_t> counters) {
  engaged_ = true;
  workers_.clear();
  for (const std::uint64_t counter : counters) workers_.push_back({counter, now, counter != 0 || alive_});
}

void DeadMan::disengage() {
  engaged_ = false;
  alive_ = false;
  workers_.clear();
}

DeadMan::Decision DeadMan::step(Monotonic now, std::span<const std::uint64_t> counters) {
  if (!engaged_) return Decision::Nothing;
  for (std::size_t i = 0; i < workers_.size() && i < counters.size(); ++i) {
    if (workers_[i].counter != counters[i]) workers_[i] = {counters[i], now, true};
  }
  const bool fresh = counters.size() >= workers_.size() && !workers_.empty() &&
                     std::all_of(workers_.begin(), workers_.end(), [now](const Worker& w) { return w.fresh(now); });
  if (!fresh) {
    if (!alive_) return Decision::Nothing;
    alive_ = false;
    return Decision::Revoke;
  }
  if (alive_ && now - renewed_ < kRenewEvery) return Decision::Nothing;
  alive_ = true;
  renewed_ = now;
  return Decision::Renew;
}

std::vector<unsigned> DeadMan::silent(Monotonic now) const {
  std::vector<unsigned> indices;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i].fresh(now)) indices.push_back(static_cast<unsigned>(i));
  }
  return indices;
}

}  // namespace loam::guard
