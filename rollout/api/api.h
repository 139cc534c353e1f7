#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/http/http1_server.h"
#include "rollout/access/access_store.h"
#include "rollout/api/agent_tally.h"
#include "rollout/api/background.h"
#include "rollout/api/callers.h"
#include "rollout/api/control.h"
#include "rollout/api/fleet_events.h"
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
  static constexpr std::int64_t kPresentWindow = 600;          ///< seconds: what /metrics calls the last minutes

  /// Everything outlives it. Begins the record's housekeeping.
  Api(io::EventLoop& loop, record::Recorder& recorder, const Control& control, access::AccessStore& access,
      LocalRoles local, const Clock& clock, Log& log);

  /// What a listener is for.
  struct Door {
    bool loopback = false;  ///< only this host reaches it
    /// The Hosts that it goes by (E4); all where it is empty, as on a Unix socket, which no web page reaches.
    std::function<bool(std::string_view)> admitsHost{};
    http::Security security{};
  };
  /// Serves on `listener` from now on.
  void serve(std::unique_ptr<io::Listener> listener, Door door);
  /// Ends serving in good order, at the latest at `deadline`.
  io::Task<void> drain(Monotonic deadline);

  const Router& router() const { return router_; }
  /// Where the record is written, one thing after the other.
  Background& recordWriter() { return writer_; }
  /// What the agents' port counts, for /metrics.
  AgentTally& agentTally() { return agentTally_; }
  SocketAddress address(std::size_t server) const { return servers_[server]->address(); }
  Callers& callers() { return callers_; }
  EventHub& events() { return events_; }

 private:
  io::Task<http::Response> answer(const http::Request& request, bool onLoopback);
  void addHealthRoutes();
  io::Task<void> keepHouse();
  io::Task<void> followTopology();
  io::Task<void> followFleet();
  http::Http1Counters httpCounters() const;

  io::EventLoop& loop_;
  record::Recorder& recorder_;
  const Clock& clock_;
  Log& log_;
  const Control control_;
  Callers callers_;
  bool servesLoopback_ = false;
  Background writer_;
  Background reader_;
  EventHub events_;
  FleetEvents fleetEvents_;
  Router router_;
  AgentTally agentTally_;
  std::map<std::string, std::size_t> edgesByState_;  ///< read with the topology, for /metrics
  std::vector<std::unique_ptr<http::Http1Server>> servers_;
  io::TaskScope scope_;
};

/// Whether a Host (port included) is a name of this host's loopback: "localhost", "127.0.0.1", "[::1]".
bool isLoopbackHost(std::string_view host);

}  // namespace loam::api
