#pragma once

#include <functional>
#include <list>
#include <memory>

#include "proxy/http/http1_connection.h"
#include "proxy/io/listener.h"
#include "proxy/io/task_scope.h"

namespace loam::http {

/// The HTTP/1.1 server of everything that is not traffic: a proxy's admin port, the controller, the dashboard. Strict
/// codec, every wait has a deadline, a handshake too. When connections run out, the one that has kept the server
/// waiting longest goes, those first that never sent a request: 3 000 slow clients do not delay the others (E15). One
/// loop's thread; dropping it cuts everything.
class Http1Server {
 public:
  /// Starts accepting. `loop` outlives the server.
  Http1Server(io::EventLoop& loop, std::unique_ptr<io::Listener> listener, Handler handler, Http1Limits limits = {},
              Security security = {});
  ~Http1Server();
  Http1Server(const Http1Server&) = delete;
  Http1Server& operator=(const Http1Server&) = delete;

  /// Stops accepting, lets requests under way end until `deadline`, cuts the rest.
  io::Task<void> drain(Monotonic deadline);

  /// Ends the connections of such peers at once, whatever is under way on them; returns how many.
  std::size_t cutPeers(const std::function<bool(const Peer&)>& which);

  SocketAddress address() const { return listener_ ? listener_->address() : SocketAddress(); }
  std::size_t connections() const { return connections_.size(); }
  const Http1Counters& counters() const { return counters_; }

 private:
  using Connections = std::list<Http1Connection>;

  io::Task<void> accept();
  io::Task<void> serve(Connections::iterator connection);
  void admit(io::Accepted accepted);
  /// False when every connection is busy with a request.
  bool evictOne();

  io::EventLoop& loop_;
  std::unique_ptr<io::Listener> listener_;
  const Handler handler_;
  const Http1Limits limits_;
  const Security security_;
  Http1Counters counters_;
  bool draining_ = false;
  Connections connections_;
  std::size_t cut_ = 0;  // of connections_: on their way out
  io::TaskScope serving_;
  io::TaskScope accepting_;
};

}  // namespace loam::http
