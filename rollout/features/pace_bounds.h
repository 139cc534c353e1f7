#pragma once

#include <cstdint>

#include "rollout/features/impact.h"

namespace loam::features {

/// How many of those who come a bucket of tokens turns away, where only their number in stretches of time is known: at
/// the least (they come as the tokens do) and at the most (all at once, at the worst moment). Times in unix seconds.
class PaceBounds {
 public:
  /// `burst` tokens at most, `perSecond` new ones; from `since` on, where the least is full and the most empty.
  PaceBounds(double perSecond, double burst, std::int64_t since);

  /// The next stretch: of those who come in it, so many ask for a token for sure, and so many at the most.
  void add(std::int64_t from, std::int64_t length, Bounds asking);

  Bounds refused() const { return refused_; }
  /// The most for sure in one stretch, and its length: what the rate was held against.
  std::uint64_t peak() const { return peak_; }
  std::int64_t peakLength() const { return peakLength_; }

 private:
  const double perSecond_;
  const double burst_;
  double kindly_;  // tokens at `at_` for who spends them best
  double unkindly_ = 0;
  std::int64_t at_;
  Bounds refused_;
  std::uint64_t peak_ = 0;
  std::int64_t peakLength_ = 1;
};

}  // namespace loam::features
