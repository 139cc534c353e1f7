#pragma once

#include <memory>
#include <optional>

#include "proxy/base/address.h"
#include "proxy/io/socket.h"
#include "proxy/io/task.h"

namespace loam::io {

/// How to open a connection to an upstream.
struct DialOptions {
  SocketAddress destination;
  std::optional<IpAddress> source;  ///< bind this address, so that the server sees it
  bool transparent = false;         ///< `source` is not ours: needs IP_TRANSPARENT (CAP_NET_RAW or CAP_NET_ADMIN)
  std::uint32_t mark = 0;           ///< SO_MARK; 0 sets none
  bool local = false;  ///< both ends on this host: a congestion control for a real network only costs there
};

/// A connected socket, or why not: Refused, Unreachable, Timeout (the kernel's own, unless `deadline` is earlier),
/// Denied when the source cannot be bound. Origin is Upstream for the peer's doing and Local for this host's.
Task<Result<std::unique_ptr<Socket>>> dial(EventLoop& loop, DialOptions options, Monotonic deadline = kNever);

/// Connects to a Unix socket; NotFound or Refused when nobody serves it.
Task<Result<std::unique_ptr<Socket>>> dialUnix(EventLoop& loop, std::string path, Monotonic deadline = kNever);

/// TCP_NODELAY, and a congestion control without pacing when both ends are on this host (dataplane.md 1: BBR costs 2-4
/// times the CPU a byte on loopback).
void tuneTcp(int fd, bool local);

}  // namespace loam::io
