#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "proxy/io/listener.h"
#include "proxy/io/task_scope.h"
#include "proxy/server/connection.h"
#include "proxy/server/heartbeat.h"
#include "proxy/server/idle_server.h"

namespace loam::server {

/// How a worker meets the proxies of other hosts.
struct PeerAccess {
  const CurrentIdentity* identity = nullptr;  ///< outlives the worker; null: this proxy never has one
  std::uint16_t port = 7412;
  std::function<void(const Error&)> onPortFailed{};  ///< from any worker's thread: it cannot listen there
};

/// One thread, one loop, its listeners and the connections that it accepted: nothing of it is shared but its counters.
/// All public functions but run() and the constructor may be called from any thread; they are carried out on the
/// worker's own.
class Worker {
 public:
  /// `taps` is called on the worker's thread alone. `ownListeners`: ports that must never be dialled.
  Worker(unsigned index, std::unique_ptr<io::EventLoop> loop, std::unique_ptr<relay::TapFactory> taps,
         HeartbeatPage& heartbeats, std::vector<SocketAddress> ownListeners, PeerAccess peers,
         std::unique_ptr<filter::VerdictSink> verdicts,
         std::function<void(const SocketAddress&, std::function<void()>)> onBypass);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  void start();
  /// Ends the loop and joins the thread; live connections are cut, their taps closed. Then nothing runs any more.
  void stop();
  void setTerms(DialTerms terms);
  /// Accepts on a socket that the guard holds too.
  void listen(Descriptor fd, Entry entry);
  /// Accepts on a socket of its own, bound before.
  void listen(std::unique_ptr<io::Listener> listener, Entry entry);
  /// Stops accepting: takes what waits in the queues, goes on for `grace` (clients that are still shaking hands), then
  /// lets go.
  void stopAccepting(milliseconds grace);
  /// The same of the listeners that the guard holds too, as they are now: explicit ports stay open, and so does what
  /// the guard gives later.
  void leaveCapture(milliseconds grace);
  /// From the next connection on this holds; `done` is called once it does.
  void install(std::shared_ptr<const ServiceTable> services, std::function<void()> done);
  /// Calls `then` on the worker's thread with the destinations that no snapshot knew.
  void takeMissed(std::function<void(std::vector<SocketAddress>)> then);
  /// Calls `then` on the worker's thread with its connections.
  void inspect(std::function<void(const LiveConnections&)> then);

  bool isAccepting() const { return accepts_.load(std::memory_order_relaxed); }
  /// From leaveCapture() on until it has let go.
  bool isLeavingCapture() const { return leaving_.load(std::memory_order_acquire) != 0; }
  const Counters& counters() const { return counters_; }
  io::EventLoop& loop() { return *loop_; }

 private:
  /// A listener and who accepts from it, which goes first.
  struct Entrance {
    std::unique_ptr<io::Listener> listener;
    bool ofGuard = false;
    bool forProxies = false;
    std::uint64_t departure = 0;  // with which it is let go; 0: it stays
    io::TaskScope accepting{};
  };

  io::Task<void> acceptFrom(io::Listener& listener, Entry entry);
  io::Task<void> beat();
  void countExhausted();
  /// Opens or closes the port for proxies, as the services and this proxy's identity have it.
  void tendPeerPort();
  /// Cuts connections with proxies that were denied since they began.
  void cutDenied();
  /// Closes live connections that the rules no longer admit, once their time is over.
  void closeDenied();
  io::Task<void> letGo(milliseconds grace);
  io::Task<void> letGo(milliseconds grace, std::uint64_t departure);
  void add(std::unique_ptr<io::Listener> listener, Entry entry, bool ofGuard);
  void close(std::vector<std::unique_ptr<Entrance>> entrances);

  const unsigned index_;
  std::unique_ptr<io::EventLoop> loop_;
  std::unique_ptr<relay::TapFactory> taps_;
  HeartbeatPage& heartbeats_;
  std::unique_ptr<relay::Resources> resources_ = std::make_unique<relay::Resources>();
  Counters counters_;
  LiveConnections live_;
  LoopGuard loopGuard_;
  const PeerAccess peerAccess_;
  PeerIdentity peerIdentity_;
  std::uint64_t judged_ = 0;  // version of the identity that live connections were last held against
  Peers peers_;
  std::unique_ptr<filter::VerdictSink> verdicts_;
  serve::Resources serving_;
  std::shared_ptr<const ServiceTable> services_ = std::make_shared<const ServiceTable>();
  ServerPool idle_;
  WorkerContext context_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  std::uint64_t departures_ = 0;
  std::uint64_t exhaustedBefore_ = 0;  // by listeners that are gone
  std::atomic<bool> accepts_{true};
  std::atomic<unsigned> leaving_{0};  // departures under way
  io::TaskScope connections_;
  io::TaskScope chores_;
  std::thread thread_;
};

}  // namespace loam::server
