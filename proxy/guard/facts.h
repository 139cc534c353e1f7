#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/base/address.h"

namespace loam::guard {

/// One TCP socket of this host, as sock_diag tells it, with its owner where /proc does.
struct SocketFact {
  SocketAddress local;
  SocketAddress remote;  ///< unspecified for a listener
  bool listening = false;
  std::uint32_t uid = 0;
  std::uint32_t mark = 0;
  std::uint64_t inode = 0;
  std::uint32_t pid = 0;  ///< 0: not found
  std::string exe;        ///< base name of its executable
  std::string unit;       ///< leaf of its cgroup or systemd unit; may be empty
};

/// One DNS answer that passed this host.
struct DnsFact {
  std::string name;
  IpAddress address;
  std::uint32_t ttl = 0;
};

struct HostFacts {
  std::vector<SocketFact> sockets;
  std::vector<DnsFact> dns;
};

/// Reads the socket table of this network namespace, established and listening, both families, and resolves owners.
/// Needs no privilege; owners of other users' processes stay unknown without one.
Result<std::vector<SocketFact>> readSockets();

class Owners;
/// The same, with what is already known of processes: cheaper when asked again.
Result<std::vector<SocketFact>> readSockets(Owners& owners);

}  // namespace loam::guard
