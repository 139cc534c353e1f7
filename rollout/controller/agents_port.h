#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "proxy/base/log.h"
#include "proxy/http/http1_server.h"
#include "proxy/tls/context.h"
#include "rollout/api/agent_tally.h"
#include "rollout/api/router.h"
#include "rollout/identity/standing.h"

namespace loam::controller {

/// The port of agents (7401): mutual TLS with certificates of the mesh, and a client without one may do nothing but
/// join. A server of its own, so that whatever people and browsers do, no proxy waits. The loop's thread.
class AgentsPort {
 public:
  /// All outlive it; `router` has the routes of agents alone.
  AgentsPort(io::EventLoop& loop, const api::Router& router, api::AgentTally& tally, const Clock& clock, Log& log)
      : loop_(loop), router_(router), tally_(tally), clock_(clock), log_(log) {}

  /// New connections go by it from now on, and those of peers that it denies are cut.
  Status take(std::shared_ptr<const identity::Standing> standing);
  /// After the first take().
  void serve(std::unique_ptr<io::Listener> listener);
  /// Cuts who lives longer than his certificate. Call it every second.
  void keepHouse();
  /// Ends serving in good order, at the latest at `deadline`.
  io::Task<void> drain(Monotonic deadline);

  SocketAddress address() const { return server_ ? server_->address() : SocketAddress(); }

 private:
  std::optional<std::string> whyNot(const tls::Certificate& leaf);
  void noteFailure(const http::Peer& peer, const Error& error);
  http::Http1Limits limits() const;

  io::EventLoop& loop_;
  const api::Router& router_;
  api::AgentTally& tally_;
  const Clock& clock_;
  Log& log_;
  std::shared_ptr<const identity::Standing> standing_;
  std::shared_ptr<const tls::Context> context_;
  std::string secured_;                       // the leaf and the roots of context_
  std::map<std::string, std::int64_t> ends_;  // of the certificates that were shown, by serial
  Monotonic said_{};                          // when a refusal was logged last
  std::unique_ptr<http::Http1Server> server_;
};

}  // namespace loam::controller
