#pragma once

#include <cstdint>
#include <vector>

#include "proxy/base/descriptor.h"
#include "proxy/base/result.h"

namespace loam::guard {

/// The proxy that the guard serves now: its process, its workers' heartbeats. One thread.
class AttachedProxy {
 public:
  /// `heartbeats` is the proxy's memfd. InvalidArgument when it holds less than `workers` counters, NotFound when the
  /// process is gone.
  static Result<AttachedProxy> open(int session, std::uint32_t pid, unsigned workers, Descriptor heartbeats);

  /// The counters now; fewer than workers() when the proxy has cut its page, which counts as silence. Read, not mapped:
  /// a page that shrinks under a mapping would kill the guard.
  std::vector<std::uint64_t> heartbeats() const;
  /// Readable once the process has ended.
  int process() const { return process_.get(); }
  int session() const { return session_; }
  std::uint32_t pid() const { return pid_; }
  unsigned workers() const { return workers_; }

 private:
  AttachedProxy(int session, std::uint32_t pid, unsigned workers, Descriptor process, Descriptor heartbeats)
      : session_(session),
        pid_(pid),
        workers_(workers),
        process_(std::move(process)),
        heartbeats_(std::move(heartbeats)) {}

  int session_;
  std::uint32_t pid_;
  unsigned workers_;
  Descriptor process_;
  Descriptor heartbeats_;
};

/// Whether a process may set SO_MARK and IP_TRANSPARENT: CAP_NET_RAW or CAP_NET_ADMIN among its effective capabilities.
bool mayMark(std::uint32_t pid);

}  // namespace loam::guard
