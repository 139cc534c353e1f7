#include "proxy/server/connection.h"

#include "proxy/io/signal.h"
#include "proxy/relay/reset.h"
#include "proxy/server/carrying.h"
#include "proxy/server/original_dst.h"
#include "proxy/server/service_ways.h"

namespace loam::server {

namespace {

using relay::CloseReason;
using relay::Vantage;

Result<SocketAddress> destinationOf(const io::Accepted& accepted, const Entry& entry) {
  if (entry.vantage == Vantage::Explicit) return entry.to;
  return originalDestination(accepted.fd.get());
}

std::optional<relay::Leg> legOf(const Result<Upstream>& upstream) {
  if (!upstream) return std::nullopt;
  return upstream->leg();
}

/// A client that tries again at once is to find the bypass in force: so the reset waits for it, but not for long.
constexpr milliseconds kBypassPatience{500};

io::Task<void> bypass(WorkerContext& context, const SocketAddress& destination) {
  context.counters.bypassRequested.add();
  io::Signal done(context.loop);
  context.onBypass(destination, done.raiser());
  co_await done.until(context.loop.clock().now() + kBypassPatience);
}

}  // namespace

io::Task<void> carry(WorkerContext& context, io::Accepted accepted, Entry entry) {
  context.counters.accepted.add();
  const Active active(context.counters, entry.vantage);
  const auto destination = destinationOf(accepted, entry);
  const bool local = entry.vantage == Vantage::Outbound || accepted.peer.ip.isLoopback();
  io::tuneTcp(accepted.fd.get(), local);
  auto downstream = io::Socket::adopt(context.loop, std::move(accepted.fd));
  if (!downstream) co_return;
  if (!destination || !mayDial(context, accepted.peer.ip, *destination)) {
    if (!destination) context.counters.loopsRefused.add();
    relay::closeByReset(**downstream);
    co_return;
  }
  const relay::ConnectionFacts facts{accepted.peer, *destination, entry.vantage, context.services->generation()};
  LiveConnection live(context.live, facts, context.loop.now());
  const Service& service = serviceFor(context, facts.destination);
  const auto tap = openTap(context, facts, service, {});
  if (whyNotAdmitted(context, facts, service, {}, **downstream, live)) {
    tap->onClosed(CloseReason::Denied, context.loop.now());
    context.counters.denied.add();
    relay::closeByReset(**downstream);
    co_return;
  }
  Serve serve = service.serve.settingsFor(facts);
  const Monotonic dialled = context.loop.clock().now();
  // Exchanges dial what is not there yet.
  const bool mayBeLater = serve && serverChoiceOf(context, facts, service) != ServerChoice::Clients;
  std::unique_ptr<upstream::InFlight> flight;
  auto upstream = co_await dialFirst(context, facts, service, serve != nullptr, flight);
  if (!upstream && (!mayBeLater || upstream.error().code == ErrorCode::Denied)) {
    countFailure(context, *tap, upstream.error());
    const CloseReason reason = reasonOf(upstream.error());
    const bool past = facts.vantage != Vantage::Explicit && mayBypass(context, facts.destination);
    if (past && reason != CloseReason::UpstreamReset) co_await bypass(context, facts.destination);
    relay::closeByReset(**downstream);
    co_return;
  }
  if (upstream) {
    live.securedBy(upstream->stream.get());
    context.counters.security(upstream->security).add();
    tap->onConnected({context.loop.clock().now() - dialled, upstream->security, upstream->identity});
  }
  co_await carryAndCount(context, facts, **downstream, legOf(upstream), *tap, live, std::move(serve), {});
}

}  // namespace loam::server
