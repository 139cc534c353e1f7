#pragma once

#include <array>

#include "proxy/base/counter.h"
#include "proxy/http/http1_head.h"
#include "proxy/serve/fault.h"

namespace loam::serve {

/// What one worker counts of its served connections.
struct Counters {
  Counter connections;
  Counter requests;
  Counter foreign;                                  ///< connections that speak another protocol than HTTP/1
  Counter tunnels;                                  ///< connections that became one: WebSocket, CONNECT
  std::array<Counter, http::kHeadFaults> badHeads;  ///< requests whose head was refused, by why
  std::array<Counter, kFaults> faults;              ///< exchanges that the proxy ended, by why else

  Counter& of(http::HeadFault fault) { return badHeads[static_cast<std::size_t>(fault)]; }
  Counter& of(Fault fault) { return faults[static_cast<std::size_t>(fault)]; }
};

}  // namespace loam::serve
