#pragma once

#include <cstdint>
#include <string>

#include "proxy/base/result.h"

namespace loam::guard {

/// How full the kernel's table of tracked connections is. A relayed connection takes two entries; at the limit the host
/// drops new ones.
struct ConntrackRoom {
  std::uint64_t count = 0;
  std::uint64_t limit = 0;
  double used() const { return limit == 0 ? 0 : static_cast<double>(count) / static_cast<double>(limit); }
};

/// NotFound while the kernel tracks nothing (module not loaded). Any thread; two short files.
Result<ConntrackRoom> readConntrackRoom(const std::string& directory = "/proc/sys/net/netfilter");

}  // namespace loam::guard
