#include "rollout/api/api.h"

#include <unistd.h>

#include "proxy/wire/report.h"
#include "rollout/api/access_routes.h"
#include "rollout/api/event_routes.h"
#include "rollout/api/flag_routes.h"
#include "rollout/api/fleet_routes.h"
#include "rollout/api/graph_routes.h"
#include "rollout/api/identity_routes.h"
#include "rollout/api/impact_routes.h"
#include "rollout/api/metrics.h"
#include "rollout/api/naming_routes.h"
#include "rollout/api/policy_routes.h"
#include "rollout/api/problem.h"
#include "rollout/api/report_routes.h"
#include "rollout/api/webhook_routes.h"
#include "shadow/graph/security.h"

namespace loam::api {

using http::Request;
using http::Response;

bool isLoopbackHost(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool hasPort = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  const std::string_view name = host.substr(0, hasPort ? colon : host.size());
  return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

Api::Api(io::EventLoop& loop, record::Recorder& recorder, const Control& control, access::AccessStore& access,
         LocalRoles local, const Clock& clock, Log& log)
    : loop_(loop),
      recorder_(recorder),
      clock_(clock),
      log_(log),
      control_(control),
      callers_(loop, access, std::move(local), clock, log),
      writer_(loop),
      reader_(loop),
      events_(loop, control.ledger, control.reader),
      fleetEvents_(control.fleet, events_) {
  addReportRoutes(router_, recorder_, writer_);
  addNamingRoutes(router_, recorder_, control_.ledger, writer_);
  addGraphRoutes(router_, recorder_, control_.flags, reader_, clock_);
  addPolicyRoutes(router_, recorder_, control_.flags, reader_, clock_);
  addFlagRoutes(router_, control_);
  addPatchRoutes(router_, control_);
  addChangeRoutes(router_, control_);
  addStateRoutes(router_, control_);
  addReadinessRoutes(router_, control_);
  addImpactRoutes(router_, recorder_, control_);
  addExplainRoutes(router_, control_);
  addRefusalRoutes(router_, control_);
  addControllerRoutes(router_, control_);
  addAuditRoutes(router_, control_);
  addFleetRoutes(router_, control_, loop_);
  addDrainRoutes(router_, control_);
  addIdentityRoutes(router_, control_);
  addEventRoutes(router_, events_);
  addWebhookRoutes(router_, control_, loop_);
  addAccessRoutes(router_, control_, access);
  addWhoamiRoute(router_, [this] { return servesLoopback_ && callers_.isLoopbackOpen(); });
  addHealthRoutes();
  scope_.spawn(keepHouse());
  scope_.spawn(followTopology());
  scope_.spawn(followFleet());
}

void Api::addHealthRoutes() {
  router_.add(Access::Anyone, "GET", "/healthz", [](const Call&) -> io::Task<Response> {
    Json::Value value(Json::objectValue);
    value["status"] = "ok";
    co_return ok(value);
  });
  router_.add(Access::Anyone, "GET", "/readyz", [this](const Call&) {
    return reader_.run([&recorder = recorder_, now = unixSeconds(clock_.wall())] {
      const auto read = recorder.proxies({now - 1, now});
      if (!read) return problem(503, "not_ready", "reading the record: " + read.error().context);
      Json::Value value(Json::objectValue);
      value["status"] = "ready";
      value["checks"]["record"] = "ok";
      return ok(value);
    });
  });
  router_.add(Access::Viewer, "GET", "/metrics", [this](const Call&) {
    ControllerState state;
    state.now = unixSeconds(clock_.wall());
    state.http = httpCounters();
    state.wrongTokens = callers_.wrongTokens();
    state.writesWaiting = writer_.waiting();
    state.readsWaiting = reader_.waiting();
    state.agents = agentTally_;
    state.edgesByState = edgesByState_;
    control_.fleet.visit([&state](const fleet::Agent& agent) {
      if (agent.clockAhead) state.clocks.emplace_back(agent.name, *agent.clockAhead);
    });
    if (control_.webhooks != nullptr) state.webhooks = control_.webhooks->standing();
    if (control_.identities != nullptr) {
      state.standing = control_.identities->standing();
      state.identities = &control_.identities->tally();
    }
    return reader_.run([&recorder = recorder_, state]() mutable {
      state.store = recorder.counters();
      state.refusedReports = recorder.refusedReports();
      if (auto proxies = recorder.proxies({state.now - 1, state.now})) state.proxies = *std::move(proxies);
      return Response{.contentType = "text/plain; version=0.0.4; charset=utf-8", .body = metricsText(state)};
    });
  });
}

io::Task<void> Api::keepHouse() {
  for (;;) {
    co_await loop_.sleepFor(kHousekeeping);
    const Response done = co_await writer_.run([&recorder = recorder_, &log = log_] {
      const Status status = recorder.housekeeping();
      if (!status) log.error("api", "housekeeping of the record failed", {{"error", status.error().describe()}});
      return Response{};
    });
    if (done.status != 200) log_.error("api", "housekeeping of the record failed", {{"error", done.body}});
  }
}

/// Tells the fleet what the record knows of who serves where.
io::Task<void> Api::followTopology() {
  for (;;) {
    auto found = std::make_shared<Result<fleet::Topology>>();
    auto traffic = std::make_shared<fleet::Traffic>();
    auto present = std::make_shared<std::map<std::string, std::size_t>>();
    record::GraphQuery query;
    query.window.to = unixSeconds(clock_.wall());
    query.window.from = query.window.to - kTopologyWindow;
    query.routes = false;
    // Named: g++ 12 destroys a temporary that a co_await takes by value twice.
    Background::Work read = [&recorder = recorder_, query, found, traffic, present]() mutable {
      const auto graph = recorder.graph(query);
      if (graph) *traffic = fleet::trafficOf(*graph);
      *found = graph ? Result<fleet::Topology>(fleet::topologyOf(*graph)) : fail(graph.error());
      query.window.from = query.window.to - kPresentWindow;
      if (const auto now = recorder.graph(query)) *present = graph::edgesByState(*now);
      return Response{};
    };
    const Response done = co_await reader_.run(std::move(read));
    if (done.status != 200 || !*found) {
      log_.error("api", "the record does not say who serves where",
                 {{"error", done.status == 200 ? found->error().describe() : done.body}});
    } else {
      edgesByState_ = std::move(*present);
      control_.fleet.setTraffic(std::move(traffic));
      if (**found != *control_.fleet.topology())
        control_.fleet.setTopology(std::make_shared<const fleet::Topology>(**std::move(found)));
    }
    co_await loop_.sleepFor(kTopologyEvery);
  }
}

io::Task<void> Api::followFleet() {
  for (;;) {
    co_await loop_.sleepFor(FleetEvents::kEvery);
    fleetEvents_.look();
  }
}

http::Http1Counters Api::httpCounters() const {
  http::Http1Counters sum;
  for (const auto& server : servers_) {
    const http::Http1Counters& one = server->counters();
    sum.connections += one.connections;
    sum.requests += one.requests;
    sum.refused += one.refused;
    sum.evicted += one.evicted;
    sum.insecure += one.insecure;
  }
  return sum;
}

io::Task<Response> Api::answer(const Request& request, bool onLoopback) {
  Caller caller = callers_.of(request, onLoopback);
  const bool wrong = caller.hasWrongToken;
  Response response = co_await router_.answer(request, std::move(caller));
  if (wrong && response.status == 401) response = co_await callers_.delayed(request, std::move(response));
  co_return response;
}

void Api::serve(std::unique_ptr<io::Listener> listener, Door door) {
  http::Http1Limits limits;
  limits.bodyOf = [most = limits.body](const Request& request) {
    return request.path() == "/v1/reports" ? wire::kMostReportBytes : most;
  };
  limits.admitsHost = std::move(door.admitsHost);
  servesLoopback_ = servesLoopback_ || door.loopback;
  servers_.push_back(std::make_unique<http::Http1Server>(
      loop_, std::move(listener), [this, on = door.loopback](const Request& request) { return answer(request, on); },
      std::move(limits), std::move(door.security)));
}

io::Task<void> Api::drain(Monotonic deadline) {
  events_.end();
  for (const auto& server : servers_) co_await server->drain(deadline);
  scope_.cancelAll();
}

}  // namespace loam::api
