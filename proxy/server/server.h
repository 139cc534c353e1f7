#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "proxy/base/log.h"
#include "proxy/server/guard_link.h"
#include "proxy/server/settings.h"
#include "proxy/server/worker.h"
#include "proxy/wire/watch.h"

namespace loam::server {

/// Worker threads that these settings ask for: one per core by default.
unsigned workersOf(const Settings& settings);

/// What not every proxy has.
struct Beside {
  const CurrentIdentity* identity = nullptr;  ///< that other proxies know this one by; outlives the server
  /// Makes the sink of worker `index`, to be called on that worker alone; empty: nobody listens.
  std::function<std::unique_ptr<filter::VerdictSink>(unsigned index)> verdicts{};
};

/// The data plane of one process: its workers, their listeners, its guard. Belongs to the thread that started it.
class Server {
 public:
  /// Makes the tap factory of worker `index`, to be called on that worker alone.
  using TapFactories = std::function<std::unique_ptr<relay::TapFactory>(unsigned index)>;

  /// Binds every port, starts the workers, attaches to the guard. Fails with one clear line: a port that is taken, a
  /// second proxy on the guard (Conflict), a guard that is not there.
  /// `services` hold from the first connection on; where they say that this proxy is drained, capture is not engaged.
  static Result<std::unique_ptr<Server>> start(const Settings& settings, const Clock& clock, Log& log,
                                               const TapFactories& taps,
                                               std::shared_ptr<const ServiceTable> services = nullptr,
                                               const Beside& beside = {});

  /// Accepts no more, and lets live connections go on. With `handOver` waits up to 3 s, still accepting, for another
  /// proxy to take capture over; true when one has. Without one capture is revoked, and what waits in the queues taken.
  bool drain(bool handOver);
  /// Ends the workers: cuts what is still open. The taps are closed after.
  void stop();
  /// Some worker still takes connections.
  bool isAccepting() const;
  /// Connections that are carried now.
  std::uint64_t active() const;
  /// At most `most` of each worker, oldest first; waits at most a second for a worker that is busy.
  std::vector<ConnectionSummary> connections(std::size_t most);
  std::vector<const Counters*> counters() const;

  /// New connections go by this from now on; `done` is called, from any thread, once every worker has it. Connections
  /// to services that are not to be captured go past the proxy where there is a guard. Where the proxy is drained all
  /// go past it: capture is revoked, what is relayed goes on, and explicit ports stay open; where it is so no more,
  /// capture is engaged again.
  void install(std::shared_ptr<const ServiceTable> services, std::function<void()> done);
  /// Live connections that began under another generation; waits at most a second for a worker that is busy.
  std::uint64_t oldConnections(std::uint64_t generation);
  /// Destinations that the snapshot does not know, since the last call; the same.
  std::vector<SocketAddress> takeMissed();
  /// Addresses that the explicit ports are bound to, in the order of the settings.
  const std::vector<SocketAddress>& addresses() const { return addresses_; }
  /// None when no guard is configured.
  GuardLink* guardLink() { return guard_.get(); }
  /// It ends, or is drained: nothing new is to be led here.
  bool isDraining() const { return ending_ || isDrained(); }
  /// By what was installed, and in effect.
  bool isDrained() const { return guard_ ? guard_->isDrained() : drained_.load(); }
  /// What a drained proxy still has; nothing when it is none.
  std::optional<wire::Drained> drained() const;

 private:
  Server(HeartbeatPage heartbeats) : heartbeats_(std::move(heartbeats)) {}
  template <class T>
  std::vector<T> askWorkers(const std::function<void(Worker&, std::function<void(T)>)>& ask);
  Status bindPorts(const Settings& settings, const Clock& clock);
  Status startWorkers(const Settings& settings, const TapFactories& taps, PeerAccess peers, const Beside& beside,
                      const std::shared_ptr<const ServiceTable>& services);
  void makeGuardLink(const Settings& settings, Log& log);
  void onAttached(guard::Listeners listeners, const DialTerms& terms);
  void setDrained(bool drained, std::function<void()> done);
  /// Has the guard close what is strict on this host; waits for it only where something is.
  void close(const ServiceTable& services, std::function<void()> done);
  void letControllerPast();
  /// Destinations that are not captured: those of the snapshot, and the controller, which this proxy asks by itself.
  std::vector<SocketAddress> bypassed(const ServiceTable* services) const;

  HeartbeatPage heartbeats_;
  std::vector<SocketAddress> addresses_;
  std::vector<std::unique_ptr<io::EventLoop>> loops_;
  std::vector<std::vector<std::unique_ptr<io::Listener>>> bound_;  // by worker
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<GuardLink> guard_;
  std::optional<SocketAddress> controller_;
  std::atomic<bool> ending_{false};   // also read by the admin thread
  std::atomic<bool> drained_{false};  // where there is no guard
};

}  // namespace loam::server
