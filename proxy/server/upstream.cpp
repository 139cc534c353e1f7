#include "proxy/server/upstream.h"

#include "proxy/io/dial.h"

namespace loam::server {

namespace {

using filters::MtlsStage;
using relay::Security;
using relay::Vantage;
using State = Security::State;

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

PeerTerms peerTerms(const WorkerContext& context, const relay::ConnectionFacts& facts, const Service& service,
                    Security known) {
  const milliseconds most = service.mtls.settings().handshakeTimeout;
  return {.dial = dialOptions(context, facts),
          .preface = {facts.client, facts.destination, false},
          .expected = service.proxies,
          .patience = known.state == State::Unprobed ? std::min(most, Peers::kPatienceUnasked) : most};
}

/// What a callee's proxy says of an application that did not take the connection.
Error refusalOf(tls::Answer answer) {
  switch (answer) {
    case tls::Answer::Refused:
      return {ErrorCode::Refused, "the application refused", ErrorOrigin::Upstream, false};
    case tls::Answer::Unreachable:
      return {ErrorCode::Unreachable, "the application gives no answer", ErrorOrigin::Upstream, false};
    case tls::Answer::Denied:  // which the callee's side counts: to this one it is a cut, as it is in plaintext
      return {ErrorCode::Reset, "the service does not admit this caller", ErrorOrigin::Upstream, false};
    default:
      return {ErrorCode::Exhausted, "the peer could not dial the application", ErrorOrigin::Upstream, true};
  }
}

/// Directly, where that is the stage's way and not a way out.
io::Task<Result<Upstream>> directlyAs(WorkerContext& context, relay::ConnectionFacts facts, Security security) {
  auto upstream = co_await dialDirectly(context, facts);
  if (upstream) upstream->security = security;
  co_return std::move(upstream);
}

}  // namespace

io::Task<Result<Upstream>> dialDirectly(WorkerContext& context, relay::ConnectionFacts facts) {
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
  if (!dialled) co_return fail(std::move(dialled).error());
  if (facts.vantage != Vantage::Explicit) {
    (options.source ? context.counters.sourceKept : context.counters.sourceLost).add();
  }
  Upstream upstream;
  upstream.socket = *std::move(dialled);
  co_return std::move(upstream);
}

io::Task<Result<Upstream>> dialUpstream(WorkerContext& context, relay::ConnectionFacts facts, const Service& service) {
  const std::uint16_t port = facts.destination.port;
  if (service.mtls.stage(port) == MtlsStage::Off || facts.vantage == Vantage::Inbound) {
    co_return co_await dialDirectly(context, facts);
  }
  if (context.loopGuard.isLocal(facts.destination.ip)) co_return co_await directlyAs(context, facts, {State::Local, 0});
  const std::string_view caller = service.callerAt(facts.client.ip);
  const filters::MtlsSettings& settings = service.mtls.settings();
  const MtlsStage stage = service.mtls.stageOf(caller, facts.client.ip, port);
  const bool strict = stage == MtlsStage::Strict;
  const bool mayFallBack = !strict && settings.fallback == filters::MtlsSettings::Fallback::Allow;
  const bool mayExpire = settings.atExpiry == filters::MtlsSettings::AtExpiry::Plaintext;
  const Security known = context.peers.known(facts.destination);
  const bool goesDirectly = stage < MtlsStage::Prefer || (mayFallBack && !Peers::isWorthTrying(known));
  if (goesDirectly && context.peers.isDue(facts.destination)) context.peers.ask(peerTerms(context, facts, service, {}));
  if (stage < MtlsStage::Prefer) {
    const bool left = service.mtls.stage(port) >= MtlsStage::Prefer && known.state == State::Ready;
    co_return co_await directlyAs(context, facts, left ? Security{State::NotChosen, 0} : known);
  }
  if (goesDirectly) {
    context.counters.fallbacks.add();
    co_return co_await directlyAs(context, facts, known);
  }
  PeerTerms terms = peerTerms(context, facts, service, mayFallBack ? known : Security());
  // From here on another snapshot may be in force: nothing of the service is looked at any more.
  PeerCall call = co_await context.peers.call(std::move(terms), settings.fallbackAfter);
  if (call.stream) {
    Upstream upstream;
    upstream.identity = call.stream->peerIdentity().id;
    upstream.stream = std::move(call.stream);
    upstream.security = call.security;
    co_return std::move(upstream);
  }
  if (call.security.isMutual()) co_return fail(refusalOf(call.answer));
  if (mayFallBack || (mayExpire && context.identity.hasExpired())) {
    context.counters.fallbacks.add();
    co_return co_await directlyAs(context, facts, call.security);
  }
  co_return fail(ErrorCode::Denied, "mutual TLS is not to be had: " + relay::text(call.security), ErrorOrigin::Local);
}

}  // namespace loam::server
