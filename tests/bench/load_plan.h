#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/line.h"

namespace loam::bench {

/// What one run of the generator does: exchanges of a fixed request and a reply of known length.
struct LoadPlan {
  Target target;
  unsigned connections = 1;
  std::string request;      ///< what one exchange sends; empty: the server speaks first
  std::size_t reply = 0;    ///< bytes that answer it
  bool fresh = false;       ///< a new connection for each exchange; its time counts from before the connect
  bool untilEnd = false;    ///< with `fresh`: the exchange is over when the server closed
  double rate = 0;          ///< exchanges a second, started on schedule whatever the answers do; 0: closed loop
  double seconds = 0;       ///< 0: no end by time
  std::uint64_t count = 0;  ///< 0: no end by count
};

struct LoadOutcome {
  std::uint64_t exchanges = 0;
  std::uint64_t errors = 0;
  std::uint64_t unsent = 0;  ///< open loop: due, but no connection was free until the end
  double seconds = 0;
  std::vector<std::uint32_t> latencies;  ///< ns; in open loop from the intended start
};

/// Runs the plan on the calling thread.
LoadOutcome runLoad(const LoadPlan& plan);

/// Opens `plan.connections` of plain TCP, does one exchange on each, prints "ready" and holds them until stdin ends.
/// Returns how many could not be opened or got no answer.
unsigned holdIdle(const LoadPlan& plan);

/// Sends `bytes` and receives as many at the same time, over each of the plan's connections of plain TCP. Returns the
/// seconds it took, negative when a stream broke.
double runBulk(const LoadPlan& plan, std::uint64_t bytes);

}  // namespace loam::bench
