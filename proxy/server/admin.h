#pragma once

#include <json/value.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "proxy/http/http1_server.h"
#include "proxy/server/metrics.h"
#include "proxy/server/server.h"

namespace loam::server {

/// The proxy's admin port, on a thread of its own: /metrics, /healthz (the process turns), /readyz (and takes traffic:
/// guard attached, not draining or drained), /connections?most=N. Loopback unless the settings say otherwise; it
/// changes nothing.
class Admin {
 public:
  /// What programs add, asked on the admin thread.
  struct More {
    std::vector<Collector> metrics{};                 ///< scraped after the workers
    std::function<void(Json::Value& state)> state{};  ///< members of /readyz
  };

  /// Conflict when the port is taken. `server` outlives it, and whatever `more` asks.
  static Result<std::unique_ptr<Admin>> start(const SocketAddress& address, Server& server, const Clock& clock,
                                              More more);
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;
  ~Admin();

  const SocketAddress& address() const { return address_; }

 private:
  Admin(Server& server, const Clock& clock, std::unique_ptr<io::EventLoop> loop, More more);
  io::Task<http::Response> answer(const http::Request& request);
  http::Response connections(const http::Request& request);
  http::Response readiness() const;

  Server& server_;
  const Clock& clock_;
  std::unique_ptr<io::EventLoop> loop_;
  const More more_;
  SocketAddress address_;
  std::unique_ptr<http::Http1Server> http_;
  std::thread thread_;
};

}  // namespace loam::server
