#pragma once

#include <chrono>

namespace loam {

using Monotonic = std::chrono::steady_clock::time_point;
using Wall = std::chrono::system_clock::time_point;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Where code that waits or stamps gets its time from, so that a test can move it. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Monotonic now() const = 0;
  virtual Wall wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  Monotonic now() const override;
  Wall wall() const override;
};

/// Whole seconds since 1970, the form that reports and the record carry.
std::int64_t unixSeconds(Wall time);

}  // namespace loam
