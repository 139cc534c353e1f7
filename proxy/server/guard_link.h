#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "proxy/base/log.h"
#include "proxy/guard/guard_client.h"
#include "proxy/server/connection.h"
#include "proxy/server/heartbeat.h"

namespace loam::server {

/// The proxy's side of its guard: attaches, hands the listeners on, asks for bypasses, and comes back when the guard
/// was restarted. Drained it captures nothing, and stays connected for the guard's facts. On a thread of its own, since
/// the guard's calls block.
class GuardLink {
 public:
  struct Receiver {
    std::function<void(guard::Listeners, const DialTerms&)> onAttached;
    /// Drained: capture is revoked, and what still comes through those listeners is to be taken for a while.
    std::function<void()> onReleased;
  };

  GuardLink(std::string socketPath, unsigned workers, HeartbeatPage& heartbeats, Log& log, Receiver receiver);
  GuardLink(const GuardLink&) = delete;
  GuardLink& operator=(const GuardLink&) = delete;
  ~GuardLink();

  /// First attachment, on the caller's thread: fails with Conflict when another proxy holds the guard. Then the thread
  /// starts. Drained before, it only connects.
  Status start();
  /// Any thread: revokes capture, or engages it again; `done` is called, from any thread, once that is done, or was
  /// tried in vain: a guard that is away captures nothing, and it is tried again until it is back.
  void setDrained(bool drained, std::function<void()> done);
  /// Capture is revoked because it was asked for.
  bool isDrained() const { return drained_.load(std::memory_order_relaxed); }
  /// Any thread, at once: the request is queued, and the guard asked once for all that wait for the same destination.
  /// `done` is called when the guard has answered, or is not there.
  void bypass(const SocketAddress& destination, std::function<void()> done);
  /// Connections to these go past the proxy for as long as it says so; replaces those of the last call. At most a few
  /// seconds later.
  void keepBypassed(std::vector<SocketAddress> destinations);
  /// Any thread, at once: closes exactly these local endpoints to plaintext, for as long as nothing else is said and
  /// whoever dies (see guard::GuardClient::keepClosed); told again at each attachment, drained or not. `done` is
  /// called, from any thread, once that holds: while the guard is away or refuses it, it is tried again, and a later
  /// word stands for the earlier ones. Ask guard::closedWays() first whether the guard would take it at all. Before the
  /// first call the guard keeps what the proxy before said.
  void keepClosed(std::vector<guard::ClosedEndpoint> endpoints, std::function<void()> done);
  /// Why what was said last does not hold yet, or not on this host; empty when it does.
  std::string whyNotClosed() const;
  /// Gives the guard free for another proxy; no reconnection after. Revokes capture at once, or with `handOver` waits
  /// up to 3 s for a successor; true when there is one, and new connections go to it.
  bool release(bool handOver);
  /// Host facts through the guard; Closed while it is away.
  Result<guard::HostFacts> facts();
  bool isAttached() const { return attached_.load(std::memory_order_relaxed); }
  /// Why the client's address cannot be kept on this host; empty when it can.
  std::string whyNotTransparent() const;

 private:
  static constexpr unsigned kBypassSeconds = 30;
  static constexpr unsigned kKeptSeconds = 6;  ///< a bypass that is renewed, so that it ends soon after the last word
  static constexpr milliseconds kRenew{2000};
  static constexpr milliseconds kRetry{500};

  Status connect();
  Status attach();
  Status standAside();
  bool follow(bool drained);
  void run();
  using Bypasses = std::unordered_map<SocketAddress, std::vector<std::function<void()>>>;

  void tellBypasses(const Bypasses& bypasses);
  Status tellBypass(const SocketAddress& destination, unsigned forSeconds);
  void renew(const std::vector<SocketAddress>& kept);
  void tellClosed(bool news);
  Status sayClosed(const std::vector<guard::ClosedEndpoint>& endpoints);
  void lose();

  const std::string socketPath_;
  const unsigned workers_;
  HeartbeatPage& heartbeats_;
  Log& log_;
  const Receiver receiver_;

  mutable std::mutex clientMutex_;  // held while the guard is asked: never taken by a worker
  std::optional<guard::GuardClient> client_;
  std::string whyNotTransparent_;
  bool released_ = false;
  bool closedTold_ = false;                                       ///< to the guard of this line
  std::optional<std::vector<guard::ClosedEndpoint>> closedHeld_;  ///< what it took last: the kernel keeps it without it
  std::string whyNotClosed_;

  std::mutex queueMutex_;
  std::condition_variable wake_;
  Bypasses bypasses_;
  std::vector<SocketAddress> kept_;
  bool keptChanged_ = false;
  std::optional<std::vector<guard::ClosedEndpoint>> closed_;
  std::vector<std::function<void()>> closedWaiting_;
  bool closedChanged_ = false;
  bool drainWanted_ = false;
  std::vector<std::function<void()>> drainWaiting_;
  bool stopping_ = false;

  std::atomic<bool> attached_{false};
  std::atomic<bool> drained_{false};
  std::thread thread_;
};

}  // namespace loam::server
