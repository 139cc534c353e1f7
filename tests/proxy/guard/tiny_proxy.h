#pragma once

#include <atomic>
#include <csignal>
#include <string>

#include "tests/proxy/guard/host.h"

namespace loam::guard {

/// The smallest proxy that uses a guard: relays with a thread a connection. A process of its own, so that it can be
/// killed and stopped. SIGUSR1 silences its last worker, SIGTERM makes it release and go on relaying what it has.
class TinyProxy {
 public:
  /// Waits until it has attached and engaged; error() says why when it could not. `user` is the uid to become first.
  explicit TinyProxy(const std::string& guardSocket, unsigned workers = 2, unsigned user = 0);
  ~TinyProxy();

  Child& process() { return process_; }
  const std::string& error() const { return error_; }
  int outbound() const { return seen_->outbound; }
  int inbound() const { return seen_->inbound; }
  bool transparent() const { return seen_->transparent; }
  std::string lastDestination() const { return seen_->lastDestination; }
  void silenceWorker() { process_.signal(SIGUSR1); }

  /// Shared with the child.
  struct Seen {
    std::atomic<int> outbound{0};
    std::atomic<int> inbound{0};
    std::atomic<bool> transparent{false};
    char lastDestination[80] = {};
  };

 private:
  Seen* seen_;
  std::string error_;
  Child process_;
};

}  // namespace loam::guard
