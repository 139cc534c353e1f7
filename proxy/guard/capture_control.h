#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/guard/attached_proxy.h"
#include "proxy/guard/capture.h"
#include "proxy/guard/closure.h"
#include "proxy/guard/dead_man.h"
#include "proxy/guard/guard_client.h"
#include "proxy/guard/listeners.h"

namespace loam::guard {

/// Decides when redirects live: puts together the rules, the proxy that is attached, its heartbeats and the listeners.
/// One thread.
class CaptureControl {
 public:
  CaptureControl(Capture capture, ClosedFile closed, const Clock& clock, Log& log);

  /// Takes `proxy` (connected as `uid`) as the one that redirects lead to, or as the successor of one that is leaving.
  /// Conflict while another is attached.
  Result<CaptureTerms> attach(AttachedProxy proxy, std::uint32_t uid);
  std::vector<int> outboundListeners() const { return outbound_.descriptors(); }
  std::vector<int> inboundListeners() const { return inbound_.descriptors(); }
  Status engage(int session);
  /// The proxy leaves: at once, or with `handOver` when a successor has engaged or the wait for one is over. What came
  /// of it is in takeDeparted().
  void release(int session, bool handOver);
  /// Sessions whose release has ended since the last call.
  std::vector<std::pair<int, Departure>> takeDeparted() { return std::exchange(departed_, {}); }
  /// Its connection to the guard ended; of the attached proxy that is its death.
  void sessionEnded(int session);
  void proxyDied();
  /// The attached proxy's pidfd; -1 when there is none.
  int proxyProcess() const { return proxy_ ? proxy_->process() : -1; }

  /// Applies or replaces; comes alive again by itself when the proxy had engaged.
  Status apply(const CaptureSettings& settings);
  Status bypass(const SocketAddress& destination, unsigned seconds);
  /// The operator's own: opens what is closed, revokes; deletes when nothing is relayed any more (tick() looks), or at
  /// once.
  Result<Removal> remove(bool now);
  /// The guard ends: the same, but what is closed stays so.
  Result<Removal> leave(bool now);
  /// What is closed to plaintext holds again, before anything else is done.
  Status restoreClosed() { return closure_.restore(); }
  /// The proxy's word on what is to be closed. True when it holds, false when it waits for capture to be applied again.
  /// Conflict when another than the attached proxy has it.
  Result<bool> keepClosed(int session, std::vector<ClosedWay> ways);
  /// What is closed now.
  std::vector<ClosedWay> closed() const { return capture_.closed(); }
  bool applied() const { return capture_.applied(); }
  Result<CaptureView> view();

  /// To be called every 250 ms.
  void tick();

 private:
  Status revoke();
  void detach(const std::string& why);
  void succeed();
  void watchDeparture(Monotonic now);
  void endAbandoned(Monotonic now);
  void watchHeartbeats(Monotonic now);
  void finishRemoval(Monotonic now);
  void reviewRules(Monotonic now);
  std::string whyNotAlive() const;

  Capture capture_;
  Closure closure_;
  const Clock& clock_;
  Log& log_;
  ListenerGroup outbound_;
  ListenerGroup inbound_;
  std::optional<AttachedProxy> proxy_;
  std::optional<Monotonic> leaveBy_;        ///< the attached proxy leaves, at the latest then
  std::optional<AttachedProxy> successor_;  ///< attached while the other leaves, not yet engaged
  std::vector<std::pair<int, Departure>> departed_;
  bool wanted_ = false;  ///< the attached proxy has engaged
  bool removing_ = false;
  bool revokePending_ = false;
  DeadMan deadMan_;
  Monotonic detached_{};
  Monotonic reviewed_{};
  Monotonic reported_{};
};

}  // namespace loam::guard
