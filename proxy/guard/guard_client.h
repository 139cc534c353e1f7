#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/descriptor.h"
#include "proxy/base/result.h"
#include "proxy/guard/facts.h"

namespace loam::guard {

/// Listening sockets as the guard holds them, one of each per worker; empty where the capture has no such side.
struct Listeners {
  std::vector<Descriptor> outbound;  ///< dual stack, default port 7410
  std::vector<Descriptor> inbound;   ///< dual stack, default port 7411
};

/// What the proxy must know of the capture that the guard applies.
struct CaptureTerms {
  std::uint32_t mark = 0;  ///< SO_MARK of the proxy's own dials: excluded from capture
  std::uint32_t transparentMark =
      0;                     ///< SO_MARK of dials that bind the client's address: their replies are routed back here
  bool transparent = false;  ///< the host can bind foreign addresses and route the replies
  std::string whyNotTransparent;  ///< for a person, when it cannot
};

/// The proxy's line to loam-guard over its Unix socket. Blocking calls with a deadline of 2 s each: never from a
/// worker. When the guard goes away every call fails with Closed; the proxy goes on relaying and reconnects.
class GuardClient {
 public:
  static Result<GuardClient> connect(const std::string& socketPath);

  /// Becomes the proxy of this guard: gets the listeners, hands over the heartbeat page. Conflict when another proxy is
  /// attached that has not released it.
  /// `heartbeats` is a memfd with one std::atomic<uint64_t> per worker, bumped at least every 500 ms.
  Result<Listeners> attach(unsigned workers, int heartbeats, CaptureTerms& terms);
  /// Switches capture on (the redirects come alive).
  Status engage();
  /// SIGTERM: revokes capture at once and lets another proxy attach; the listeners stay usable for what is in their
  /// queues.
  Status release();
  /// Leaves `destination` out of capture for `forSeconds`: its next connection meets the real answer.
  Status bypass(const SocketAddress& destination, unsigned forSeconds);
  /// Sockets of this host with their owners, and DNS answers seen since the last call.
  Result<HostFacts> facts();

 private:
  explicit GuardClient(Descriptor socket) : socket_(std::move(socket)) {}
  Descriptor socket_;
};

}  // namespace loam::guard
