#pragma once

#include <atomic>

#include "proxy/base/clock.h"

namespace loam::test {

/// The system's clocks, of which the wall clock is set wrong. Any thread.
class WrongClock final : public Clock {
 public:
  Monotonic now() const override { return right_.now(); }
  Wall wall() const override { return right_.wall() + ahead.load(); }
  std::atomic<seconds> ahead{seconds(0)};

 private:
  SystemClock right_;
};

}  // namespace loam::test
