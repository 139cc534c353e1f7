#pragma once

#include <memory>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/http/http1_server.h"
#include "rollout/api/agent_tally.h"
#include "rollout/api/background.h"
#include "rollout/api/control.h"
#include "rollout/api/router.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// The controller's REST interface (docs/openapi.yaml): the record, and what is wanted of the mesh. Serves on the
/// loop's thread; the record is read and written on two threads of its own, so that neither a slow query nor a slow
/// disk delays /healthz.
class Api {
 public:
  static constexpr seconds kHousekeeping{10};
  static constexpr seconds kTopologyEvery{15};
  static constexpr std::int64_t kTopologyWindow = 7 * 86'400;  ///< seconds: callers that come once a week count

  /// Everything outlives it. Begins the record's housekeeping.
  Api(io::EventLoop& loop, record::Recorder& recorder, const Control& control, const Clock& clock, Log& log);

  /// Serves on `listener` from now on; who asks is found by localCaller(). `loopback`: a TCP port, which goes by the
  /// names of this host alone.
  void serve(std::unique_ptr<io::Listener> listener, bool loopback);
  /// Ends serving in good order, at the latest at `deadline`.
  io::Task<void> drain(Monotonic deadline);

  const Router& router() const { return router_; }
  /// Where the record is written, one thing after the other.
  Background& recordWriter() { return writer_; }
  /// What the agents' port counts, for /metrics.
  AgentTally& agentTally() { return agentTally_; }
  SocketAddress address(std::size_t server) const { return servers_[server]->address(); }

 private:
  void addHealthRoutes();
  io::Task<void> keepHouse();
  io::Task<void> followTopology();
  http::Http1Counters httpCounters() const;

  io::EventLoop& loop_;
  record::Recorder& recorder_;
  const Clock& clock_;
  Log& log_;
  const Control control_;
  Background writer_;
  Background reader_;
  Router router_;
  AgentTally agentTally_;
  std::vector<std::unique_ptr<http::Http1Server>> servers_;
  io::TaskScope scope_;
};

/// Who is at the other end of a Unix socket or of loopback, by what the kernel says of him.
Caller localCaller(const http::Request& request);

/// Whether a Host (port included) is a name of this host's loopback: "localhost", "127.0.0.1", "[::1]".
bool isLoopbackHost(std::string_view host);

}  // namespace loam::api
