#include "rollout/features/pace_bounds.h"

#include <algorithm>
#include <cmath>

namespace loam::features {

namespace {

/// How many whole tokens: what arithmetic in doubles loses is no token less.
std::uint64_t whole(double tokens) {
  constexpr double kLost = 1e-6;
  return tokens <= 0 ? 0 : static_cast<std::uint64_t>(std::floor(tokens + kLost));
}

}  // namespace

PaceBounds::PaceBounds(double perSecond, double burst, std::int64_t since)
    : perSecond_(perSecond), burst_(burst), kindly_(burst), at_(since) {}

void PaceBounds::add(std::int64_t from, std::int64_t length, Bounds asking) {
  const double passed = perSecond_ * static_cast<double>(std::max<std::int64_t>(0, from - at_));
  const double filled = perSecond_ * static_cast<double>(length);
  kindly_ = std::min(burst_, kindly_ + passed);
  unkindly_ = std::min(burst_, unkindly_ + passed);
  // Kindly: they are spread so that no token is lost. Unkindly: of this stretch all at its beginning, and for the next
  // one all at its end.
  const std::uint64_t admitted = std::min(asking.least, whole(kindly_ + filled));
  refused_.least += asking.least - admitted;
  refused_.most += asking.most - std::min(asking.most, whole(unkindly_));
  kindly_ = std::min(burst_, kindly_ + filled - static_cast<double>(admitted));
  unkindly_ = std::max(0.0, std::min(burst_, unkindly_ + filled) - static_cast<double>(asking.most));
  at_ = std::max(at_, from + length);
  if (asking.most * static_cast<std::uint64_t>(peakLength_) > peak_ * static_cast<std::uint64_t>(length)) {
    peak_ = asking.most;
    peakLength_ = length;
  }
}

}  // namespace loam::features
