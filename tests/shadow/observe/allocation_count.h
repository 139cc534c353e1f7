#pragma once

#include <cstdint>

namespace loam::observe {

/// What operator new of this binary did so far.
struct Allocations {
  std::uint64_t count = 0;  ///< calls
  std::uint64_t live = 0;   ///< bytes in use
  std::uint64_t peak = 0;   ///< most of them at once since the last resetPeak()
};

Allocations allocations();
void resetPeak();

}  // namespace loam::observe
