#pragma once

#include "proxy/base/clock.h"

namespace loam::test {

/// A clock that stands still until it is moved.
class FakeClock final : public Clock {
 public:
  Monotonic now() const override { return now_; }
  Wall wall() const override { return wall_; }

  void advance(nanoseconds by) {
    now_ += std::chrono::duration_cast<Monotonic::duration>(by);
    wall_ += std::chrono::duration_cast<Wall::duration>(by);
  }
  /// Moves the wall clock alone, as an operator or NTP would.
  void setWall(Wall wall) { wall_ = wall; }

 private:
  Monotonic now_{std::chrono::hours(1)};
  Wall wall_{std::chrono::seconds(1'700'000'000)};
};

}  // namespace loam::test
