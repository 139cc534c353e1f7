#include "proxy/base/clock.h"

namespace loam {

Monotonic SystemClock::now() const { return std::chrono::steady_clock::now(); }
Wall SystemClock::wall() const { return std::chrono::system_clock::now(); }

std::int64_t unixSeconds(Wall time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace loam
