#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"
#include "proxy/base/result.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/task.h"

namespace loam::notify {

/// Addresses of one host, asked of the system's resolver: getaddrinfo(), which blocks. Each question has a thread of
/// its own as long as it takes, so that a resolver that does not answer holds up neither the loop nor the program's
/// end; while one is under way all who ask wait for that one. The loop's thread.
class HostLookup {
 public:
  using Addresses = std::vector<SocketAddress>;
  /// Blocks; called on any thread. NotFound and Unreachable say what the resolver said.
  using Resolve = std::function<Result<Addresses>(const std::string& host, std::uint16_t port)>;

  /// `loop` outlives it.
  HostLookup(io::EventLoop& loop, std::string host, std::uint16_t port, Resolve resolve = resolveWithSystem);
  ~HostLookup();
  HostLookup(const HostLookup&) = delete;
  HostLookup& operator=(const HostLookup&) = delete;

  /// At least one, in the resolver's order; Timeout at `deadline`.
  io::Task<Result<Addresses>> ask(Monotonic deadline);

  static Result<Addresses> resolveWithSystem(const std::string& host, std::uint16_t port);

 private:
  struct Desk;
  /// Begins a question; the desk's mutex is held.
  Status begin(const std::shared_ptr<Desk>& desk);

  io::EventLoop& loop_;
  const std::string host_;
  const std::uint16_t port_;
  const Resolve resolve_;
  const std::shared_ptr<Desk> desk_;
};

}  // namespace loam::notify
