#pragma once

#include <functional>

#include "proxy/guard/facts.h"

namespace loam::guard {

/// Reads this network namespace's TCP sockets by sock_diag: no owner process yet. Any thread, blocking, some
/// microseconds a socket.
namespace socket_table {

/// Every socket in one of `states` (a mask of 1 << TCP_*), of `localPort` alone unless that is 0. `state` is TCP_*.
Status visit(std::uint32_t states, std::uint16_t localPort,
             const std::function<void(const SocketFact&, unsigned state)>& each);

/// Ports with a listener that another host can reach: one bound to a loopback address alone is left out.
Result<std::vector<std::uint16_t>> listeningPorts();

/// Connections that a relay listening on `ports` still carries: open ones, and closed ones whose last bytes are not
/// acknowledged.
Result<unsigned> relayed(const std::vector<std::uint16_t>& ports);

}  // namespace socket_table
}  // namespace loam::guard
