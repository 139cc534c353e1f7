#pragma once

#include <cstdint>

#include "proxy/base/clock.h"

namespace loam::upstream {

/// A time in one word, for atomics.
inline std::int64_t nanosecondsOf(Monotonic time) {
  return std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace loam::upstream
