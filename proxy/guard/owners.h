#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proxy/base/flat.h"
#include "proxy/guard/facts.h"

namespace loam::guard {

/// Finds the processes behind sockets through /proc. Remembers what each process is by its pid and start time, and who
/// held which socket, so that the pass over all descriptors is for sockets that are new. One thread at a time;
/// blocking, never from a worker.
class Owners {
 public:
  explicit Owners(std::string procRoot = "/proc") : root_(std::move(procRoot)) {}

  /// Fills pid, exe and unit of the facts whose inode a process holds. What this user may not see stays as it is.
  void fill(std::vector<SocketFact>& facts);

 private:
  struct Process {
    std::uint64_t started = 0;
    std::string exe;
    std::string unit;
  };

  using PidsByInode = FlatMap<std::uint64_t, std::uint32_t>;  // pid 0: nobody that can be seen

  const Process& look(std::uint32_t pid);
  bool lives(std::uint32_t pid);
  void search(PidsByInode& wanted);

  std::string root_;
  PidsByInode owners_;  ///< of the sockets of the last look
  std::unordered_map<std::uint32_t, Process> processes_;
};

/// The name that a person gives to what runs in a cgroup, from /proc/PID/cgroup: its systemd unit, else the leaf; empty
/// for the root.
std::string unitOf(std::string_view cgroupFile);

}  // namespace loam::guard
