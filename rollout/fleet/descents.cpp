#include "rollout/fleet/descents.h"

#include <algorithm>
#include <utility>

namespace loam::fleet {

void Descents::take(std::shared_ptr<const flags::Desired> desired, Monotonic now) {
  const milliseconds patience = std::exchange(started_, true) ? kPatience : kPatienceAtStart;
  desired_ = std::move(desired);
  std::erase_if(ways_, [this](const auto& way) { return !desired_->descents.contains(way.first); });
  for (const auto& [cell, descent] : desired_->descents) {
    Way& way = ways_[cell];
    if (way.descent != descent) way = {descent, {}, 0, now + patience};
    way.steps = flags::stepsDown(descent.from, desired_->flag(cell));
  }
  tell();
}

bool Descents::advance(Monotonic now, const std::function<bool(const std::string& service)>& isRun) {
  bool moved = false;
  for (auto& [cell, way] : ways_) {
    if (way.isOver() || (now < way.until && !isRun(cell.service))) continue;
    ++way.at;
    way.until = now + kPatience;
    moved = true;
  }
  if (moved) tell();
  return moved;
}

void Descents::tell() {
  told_ = desired_;
  if (!isAnyUnderWay()) return;
  auto told = std::make_shared<flags::Desired>(*desired_);
  for (const auto& [cell, way] : ways_) {
    if (!way.isOver()) told->flags[cell] = way.steps[way.at];
  }
  told_ = std::move(told);
}

std::uint64_t Descents::covered(const std::string& service) const {
  std::uint64_t revision = desired_->revision;
  for (auto way = ways_.lower_bound({service, ""}); way != ways_.end() && way->first.service == service; ++way) {
    const std::uint64_t wanted = desired_->flag(way->first).revision;
    if (!way->second.isOver() && wanted != 0) revision = std::min(revision, wanted - 1);
  }
  return revision;
}

bool Descents::isAnyUnderWay() const {
  return std::any_of(ways_.begin(), ways_.end(), [](const auto& way) { return !way.second.isOver(); });
}

std::vector<flags::Descent> Descents::over() const {
  std::vector<flags::Descent> all;
  for (const auto& [cell, way] : ways_) {
    if (way.isOver()) all.push_back(way.descent);
  }
  return all;
}

}  // namespace loam::fleet
