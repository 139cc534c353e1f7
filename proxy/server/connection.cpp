#include "proxy/server/connection.h"

#include "proxy/io/dial.h"
#include "proxy/io/signal.h"
#include "proxy/relay/relay.h"
#include "proxy/relay/reset.h"
#include "proxy/relay/silent_tap.h"
#include "proxy/server/original_dst.h"

namespace loam::server {

namespace {

using relay::CloseReason;
using relay::Vantage;

Result<SocketAddress> destinationOf(const io::Accepted& accepted, const Entry& entry) {
  if (entry.vantage == Vantage::Explicit) return entry.to;
  return originalDestination(accepted.fd.get());
}

/// The server is to see the address that the client has, which is foreign for what came in and ours for what goes out.
io::DialOptions dialOptions(const WorkerContext& context, const relay::ConnectionFacts& facts) {
  io::DialOptions options{.destination = facts.destination, .source = {}, .mark = context.terms.mark};
  if (facts.vantage == Vantage::Outbound) options.source = facts.client.ip;
  if (facts.vantage == Vantage::Inbound) {
    options.local = true;
    if (context.terms.transparent) {
      options.source = facts.client.ip;
      options.sourcePort = facts.client.port;
      options.transparent = true;
      options.mark = context.terms.transparentMark;
    }
  }
  if (facts.destination.ip.isLoopback()) options.local = true;
  return options;
}

io::Task<Result<std::unique_ptr<io::Socket>>> dialUpstream(WorkerContext& context,
                                                           const relay::ConnectionFacts& facts) {
  io::DialOptions options = dialOptions(context, facts);
  auto dialled = co_await io::dial(context.loop, options);
  if (!dialled && options.sourcePort != 0 && dialled.error().origin == ErrorOrigin::Local) {
    options.sourcePort = 0;  // the very same pair of addresses and ports is in use: the address alone then
    dialled = co_await io::dial(context.loop, options);
  }
  if (!dialled && options.source && dialled.error().origin == ErrorOrigin::Local) {
    // Better served from another address than not at all; said by a counter, shown by the graph.
    options.source.reset();
    options.transparent = false;
    options.mark = context.terms.mark;
    dialled = co_await io::dial(context.loop, options);
  }
  if (dialled && facts.vantage != Vantage::Explicit) {
    (options.source ? context.counters.sourceKept : context.counters.sourceLost).add();
  }
  co_return dialled;
}

/// A server that took the connection and cut it before we saw it open is there: that is its answer, not its absence.
CloseReason reasonOf(const Error& error) {
  if (error.code == ErrorCode::Reset) return CloseReason::UpstreamReset;
  return error.code == ErrorCode::Refused ? CloseReason::UpstreamRefused : CloseReason::UpstreamUnreachable;
}

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

/// False when the connection would come back to this proxy.
bool mayDial(WorkerContext& context, const IpAddress& client, const SocketAddress& destination) {
  switch (context.loopGuard.check(client, destination, context.loop.now())) {
    case LoopGuard::Verdict::Pass:
      return true;
    case LoopGuard::Verdict::OwnListener:
      context.counters.loopsRefused.add();
      return false;
    case LoopGuard::Verdict::Tripped:
      context.counters.tripped.add();
      context.onBypass(destination, [] {});
      return false;
  }
  return false;
}

/// A client that tries again at once is to find the bypass in force: so the reset waits for it, but not for long.
constexpr milliseconds kBypassPatience{500};

io::Task<void> bypass(WorkerContext& context, const SocketAddress& destination) {
  context.counters.bypassRequested.add();
  io::Signal done(context.loop);
  context.onBypass(destination, done.raiser());
  co_await done.until(context.loop.clock().now() + kBypassPatience);
}

/// The tap that the service's `observe` flag asks for.
std::unique_ptr<relay::Tap> openTap(WorkerContext& context, const relay::ConnectionFacts& facts) {
  const Service* service = context.services->find(facts.destination);
  if (service == nullptr) context.missed.note(facts.destination);
  const ObserveGate& observe = service != nullptr ? service->observe : context.services->observeByDefault();
  if (observe.admits(facts)) return context.taps.open(facts, context.loop.now());
  context.counters.notObserved.add();
  return std::make_unique<relay::SilentTap>();
}

/// Keeps the gauges of live connections right however the coroutine ends.
class Active {
 public:
  Active(Counters& counters, Vantage vantage) : counters_(counters), captured_(vantage == Vantage::Explicit ? 0 : 1) {
    counters_.active.add();
    counters_.activeCaptured.add(captured_);
  }
  Active(const Active&) = delete;
  Active& operator=(const Active&) = delete;
  ~Active() {
    counters_.activeCaptured.subtract(captured_);
    counters_.active.subtract();
  }

 private:
  Counters& counters_;
  const std::uint64_t captured_;
};

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
  const auto tap = openTap(context, facts);

  const Monotonic dialled = context.loop.clock().now();
  auto upstream = co_await dialUpstream(context, facts);
  if (!upstream) {
    const CloseReason reason = reasonOf(upstream.error());
    tap->onClosed(reason, context.loop.now());
    countEnd(context.counters, upstream.error().origin == ErrorOrigin::Local ? CloseReason::Aborted : reason);
    if (facts.vantage != Vantage::Explicit && reason != CloseReason::UpstreamReset)
      co_await bypass(context, facts.destination);
    relay::closeByReset(**downstream);
    co_return;
  }
  tap->onConnected({.took = context.loop.clock().now() - dialled});

  const CloseReason reason = co_await relay::relay(**downstream, **upstream, *tap, context.resources, live.progress());
  if (reason == CloseReason::Finished || live.progress().downstreamBytes != 0)
    context.loopGuard.answered(facts.destination);
  tap->onClosed(reason, context.loop.now());
  context.counters.bytesUpstream.add(live.progress().upstreamBytes);
  context.counters.bytesDownstream.add(live.progress().downstreamBytes);
  countEnd(context.counters, reason);
}

}  // namespace loam::server
