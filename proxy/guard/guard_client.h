#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/descriptor.h"
#include "proxy/base/result.h"
#include "proxy/guard/capture_settings.h"
#include "proxy/guard/closed_endpoint.h"
#include "proxy/guard/facts.h"

namespace loam::guard {

/// Listening sockets as the guard holds them, non-blocking. One of each per worker, or more when the proxy before had
/// more workers and connections still wait in their queues: worker i then also accepts from i + workers, and so on. A
/// side without capture has its listeners all the same: it may be switched on later.
struct Listeners {
  std::vector<Descriptor> outbound;  ///< dual stack, default port 7410
  std::vector<Descriptor> inbound;   ///< dual stack, default port 7411
};

/// What the proxy must know of the capture that the guard applies.
struct CaptureTerms {
  std::uint32_t mark = 0;  ///< SO_MARK of the proxy's own dials: excluded from capture
  std::uint32_t transparentMark =
      0;  ///< SO_MARK of dials that bind the client's address: their replies are routed back here
  /// The host can bind foreign addresses and route the replies. For an inbound connection: SO_REUSEADDR, IP_TRANSPARENT
  /// (or IPV6_TRANSPARENT), SO_MARK = transparentMark, bind to the client's address AND port, dial; where that port is
  /// in use (EADDRINUSE, EADDRNOTAVAIL), port 0 with IP_BIND_ADDRESS_NO_PORT.
  bool transparent = false;
  std::string whyNotTransparent;  ///< for a person, when it cannot
};

/// The capture as it stands, for people.
struct CaptureView {
  bool applied = false;   ///< the rules are there
  bool alive = false;     ///< redirects match: new connections come to the proxy
  bool removing = false;  ///< revoked, waiting for relayed connections to end
  std::string whyNotAlive;
  std::uint32_t proxyPid = 0;  ///< 0: none is attached
  std::uint32_t workers = 0;
  std::uint32_t relayed = 0;  ///< connections through the proxy's listeners
  std::string whyNotTransparent;
  std::string rules;              ///< the table as nft prints it
  std::vector<ClosedWay> closed;  ///< to plaintext, with or without a proxy
  CaptureSettings settings;
  Footprint footprint;
};

/// What removing capture did.
struct Removal {
  bool removed = false;       ///< false: revoked, and gone when the relayed connections have ended
  std::uint32_t relayed = 0;  ///< relayed connections at that moment; cut if removed
  std::uint32_t opened = 0;   ///< endpoints that were closed to plaintext until then
};

/// How a proxy's release ended.
struct Departure {
  bool succeeded = false;  ///< another proxy has engaged: redirects lead to it. Else capture is revoked
};

/// A line to loam-guard over its Unix socket. Blocking calls with a deadline of 2 s each (facts, release: 10 s): never
/// from a worker. When the guard goes away every call fails with Closed; the proxy goes on relaying and reconnects. One
/// thread at a time.
class GuardClient {
 public:
  static Result<GuardClient> connect(const std::string& socketPath);

  /// Becomes the proxy of this guard: gets the listeners, hands over the heartbeat page. Conflict when another proxy is
  /// attached that is not about to leave; Denied when the guard could not tell this proxy's dials from its clients'.
  /// `heartbeats` is a memfd with one std::atomic<uint64_t> per worker, bumped at least every 500 ms. Not capturing
  /// yet.
  Result<Listeners> attach(unsigned workers, int heartbeats, CaptureTerms& terms);
  /// Switches capture on: redirects come alive once every worker has beaten, and stay so while all do. Closing this
  /// client without release() counts as the proxy's death.
  Status engage();
  /// Lets another proxy attach. At once, capture revoked, without `handOver`; with it capture stays alive, and the
  /// caller has to go on accepting and beating, until a successor has engaged or 3 s have passed: only then does this
  /// return. The listeners stay usable for what is in their queues.
  Result<Departure> release(bool handOver);
  /// Leaves `destination` out of capture for `forSeconds`: its next connection meets the real answer.
  Status bypass(const SocketAddress& destination, unsigned forSeconds);
  /// Closes exactly these endpoints to connections that are not redirected to the proxy (plaintext: TLS comes by a port
  /// of its own), and keeps them so whoever dies, until it is said otherwise; an empty list opens all. True when it
  /// holds; false where the operator took capture off: it will when capture is applied again. InvalidArgument as by
  /// closedWays(); Conflict while another proxy is attached.
  Result<bool> keepClosed(const std::vector<ClosedEndpoint>& endpoints);
  /// Sockets of this host with their owners, and DNS answers seen since the last call.
  Result<HostFacts> facts();

  /// Applies or replaces the capture settings (root only). With `dryRun` nothing changes; either way the nft text comes
  /// back.
  Result<std::string> applyCapture(const CaptureSettings& settings, bool dryRun = false);
  Result<CaptureView> showCapture();
  /// Opens what is closed to plaintext, revokes, and deletes once relayed connections have ended, or at once with `now`
  /// (root only). Ask showCapture() until `applied` is false.
  Result<Removal> removeCapture(bool now);

 private:
  explicit GuardClient(Descriptor socket) : socket_(std::move(socket)) {}
  /// Sends a request, returns the whole answer; `received` gets the descriptors that came along.
  Result<std::string> ask(const std::string& request, int descriptor, std::vector<Descriptor>* received,
                          int seconds = 2);

  Descriptor socket_;
};

}  // namespace loam::guard
