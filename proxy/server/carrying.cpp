#include "proxy/server/carrying.h"

#include "proxy/base/assert.h"
#include "proxy/relay/relay.h"
#include "proxy/relay/silent_tap.h"
#include "proxy/serve/serving.h"
#include "proxy/serve/strict_tap.h"
#include "proxy/server/service_ways.h"
#include "proxy/server/simulation.h"

namespace loam::server {

namespace {

using relay::CloseReason;
using relay::Vantage;

void countEnd(Counters& counters, CloseReason reason) {
  switch (reason) {
    case CloseReason::Finished:
      counters.finished.add();
      break;
    case CloseReason::DownstreamReset:
      counters.resetByDownstream.add();
      break;
    case CloseReason::UpstreamReset:
      counters.resetByUpstream.add();
      break;
    case CloseReason::UpstreamRefused:
      counters.refused.add();
      break;
    case CloseReason::UpstreamUnreachable:
      counters.unreachable.add();
      break;
    case CloseReason::Denied:
      counters.denied.add();
      break;
    case CloseReason::Aborted:
      counters.localFailures.add();
      break;
  }
}

io::Task<CloseReason> serveWith(WorkerContext& context, ServiceWays ways, relay::Leg downstream,
                                std::optional<relay::Leg> upstream, relay::Tap& tap, relay::Relayed& progress,
                                const filters::ServeSettings& settings) {
  serve::Serving serving(context.serving, settings, ways, downstream, upstream, tap, progress);
  co_return co_await serving.run();
}

std::unique_ptr<relay::Tap> readAlong(WorkerContext& context, const relay::ConnectionFacts& facts,
                                      std::unique_ptr<relay::Tap> tap, ServeGate::Settings settings,
                                      std::string identity) {
  auto refused = [&context, &facts, identity = std::move(identity)](std::string_view why) {
    const filter::ConnectionView view = viewOf(context, facts, serviceFor(context, facts.destination), identity);
    context.verdicts.onDenied(view, {.feature = "serve", .rule = why, .enforced = false});
  };
  serve::StrictReader reader(std::move(settings), context.serving.fields, std::move(refused));
  return std::make_unique<serve::StrictTap>(std::move(tap), std::move(reader));
}

}  // namespace

const Service& serviceFor(WorkerContext& context, const SocketAddress& destination) {
  const Service* service = context.services->find(destination);
  if (service != nullptr) return *service;
  context.missed.note(destination);
  return context.services->otherwise();
}

bool isBeside(const WorkerContext& context, const relay::ConnectionFacts& facts) {
  return facts.vantage == Vantage::Inbound || context.loopGuard.isLocal(facts.destination.ip);
}

std::unique_ptr<relay::Tap> openTap(WorkerContext& context, const relay::ConnectionFacts& facts, const Service& service,
                                    std::string_view identity) {
  std::unique_ptr<relay::Tap> tap;
  if (service.observe.admits(facts)) {
    tap = context.taps.open(facts, context.loop.now());
  } else {
    context.counters.notObserved.add();
    tap = std::make_unique<relay::SilentTap>();
  }
  auto simulated = service.serve.simulatedFor(facts);
  // Of two proxies on its way one counts.
  if (!simulated || !(isBeside(context, facts) || service.proxies.empty())) return tap;
  return readAlong(context, facts, std::move(tap), std::move(simulated), std::string(identity));
}

bool mayBypass(const WorkerContext& context, const SocketAddress& destination) {
  const Service* service = context.services->find(destination);
  return service == nullptr || service->mtls.stage(destination.port) < filters::MtlsStage::Prefer;
}

bool mayDial(WorkerContext& context, const IpAddress& client, const SocketAddress& destination) {
  switch (context.loopGuard.check(client, destination, context.loop.now())) {
    case LoopGuard::Verdict::Pass:
      return true;
    case LoopGuard::Verdict::OwnListener:
      context.counters.loopsRefused.add();
      return false;
    case LoopGuard::Verdict::Tripped:
      context.counters.tripped.add();
      if (mayBypass(context, destination)) context.onBypass(destination, [] {});
      return false;
  }
  return false;
}

filter::ConnectionView viewOf(const WorkerContext& context, const relay::ConnectionFacts& facts, const Service& service,
                              std::string_view identity) {
  return {.client = facts.client,
          .destination = facts.destination,
          .vantage = facts.vantage,
          .caller = service.callerAt(facts.client.ip),
          .isLocal = context.loopGuard.isLocal(facts.client.ip),
          .hasExpired = context.identity.hasExpired(),
          .identity = identity,
          .generation = context.services->generation(),
          .at = context.loop.now()};
}

std::optional<filter::Denial> whyNotAdmitted(WorkerContext& context, const relay::ConnectionFacts& facts,
                                             const Service& service, std::string_view identity, io::Socket& downstream,
                                             LiveConnection& live) {
  // Who stands beside the caller, or in the middle, leaves it to the callee's side.
  if (!isBeside(context, facts)) return std::nullopt;
  filter::Holds holds;
  if (!service.admission.empty()) {
    const filter::ConnectionView view = viewOf(context, facts, service, identity);
    for (const auto& filter : service.admission) {
      if (auto denial = filter->admit(view, context.verdicts, holds)) return denial;
    }
  }
  live.admitted(downstream, std::move(holds));
  return std::nullopt;
}

CloseReason reasonOf(const Error& error) {
  if (error.code == ErrorCode::Reset) return CloseReason::UpstreamReset;
  if (error.code == ErrorCode::Denied) return CloseReason::Denied;
  return error.code == ErrorCode::Refused ? CloseReason::UpstreamRefused : CloseReason::UpstreamUnreachable;
}

void countFailure(WorkerContext& context, relay::Tap& tap, const Error& error) {
  const CloseReason reason = reasonOf(error);
  tap.onClosed(reason, context.loop.now());
  const bool ours = error.origin == ErrorOrigin::Local && reason != CloseReason::Denied;
  countEnd(context.counters, ours ? CloseReason::Aborted : reason);
}

io::Task<void> carryAndCount(WorkerContext& context, const relay::ConnectionFacts& facts, relay::Leg downstream,
                             std::optional<relay::Leg> upstream, relay::Tap& tap, LiveConnection& live, Serve serve,
                             std::string identity) {
  LOAM_ASSERT(serve || upstream);
  relay::Relayed& progress = live.progress();
  Simulation simulation(context, live, tap, identity, serve != nullptr);
  io::Task<CloseReason> carried =
      serve ? serveWith(context, ServiceWays(context, facts, identity, live, tap, upstream.has_value()), downstream,
                        upstream, tap, progress, *serve)
            : relay::relay(downstream, *upstream, tap, context.resources, progress);
  const CloseReason reason = co_await std::move(carried);
  if (reason == CloseReason::Finished || live.progress().downstreamBytes != 0)
    context.loopGuard.answered(facts.destination);
  tap.onClosed(live.isClosed() ? CloseReason::Aborted : reason, context.loop.now());
  context.counters.bytesUpstream.add(live.progress().upstreamBytes);
  context.counters.bytesDownstream.add(live.progress().downstreamBytes);
  if (!live.isClosed()) countEnd(context.counters, reason);  // else it was, with its reason
}

}  // namespace loam::server
