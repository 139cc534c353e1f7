#pragma once

#include <cstdint>
#include <vector>

#include "proxy/base/descriptor.h"
#include "proxy/base/result.h"

namespace loam::guard {

/// The listening sockets of one side, held by the guard so that a restart of the proxy loses no connection: one per
/// worker on one port (SO_REUSEPORT), IPv4 and IPv6 where the host has both, backlog 4096. One thread.
class ListenerGroup {
 public:
  explicit ListenerGroup(std::uint16_t port) : port_(port) {}

  /// Brings the group to `count` sockets. Those too many are closed from the end, but only while no connection waits in
  /// them: what is left is handed on, so there may be more than `count`. Conflict when another program has the port.
  Status resize(unsigned count);
  /// Descriptors in order, owned by this group.
  std::vector<int> descriptors() const;
  /// Connections that wait in the queues to be accepted.
  unsigned waiting() const;
  /// Ends them with a reset: their clients try again, and go where the rules lead now. Returns how many.
  unsigned resetWaiting();
  void close() { sockets_.clear(); }
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_;
  std::vector<Descriptor> sockets_;
};

}  // namespace loam::guard
