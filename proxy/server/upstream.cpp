#include "proxy/server/upstream.h"

#include <algorithm>

#include "proxy/io/dial.h"
#include "proxy/server/carrying.h"

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
  const bool mayTakeLong = known.state == State::Ready || known.state == State::Unasked;
  return {.dial = dialOptions(context, facts),
          .preface = {facts.client, facts.destination, false},
          .expected = service.proxies,
          .patience = mayTakeLong ? most : std::min(most, Peers::kPatienceUnasked)};
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

/// What the stage that holds for this caller says of going on in plaintext.
bool mayFallBack(const relay::ConnectionFacts& facts, const Service& service) {
  const MtlsStage stage =
      service.mtls.stageOf(service.callerAt(facts.client.ip), facts.client.ip, facts.destination.port);
  return stage != MtlsStage::Strict && service.mtls.settings().fallback == filters::MtlsSettings::Fallback::Allow;
}

/// The same when no peer was to be had, by what is in force then: it may be stricter than when the connection came.
bool maySpeakPlainly(WorkerContext& context, const relay::ConnectionFacts& facts) {
  const Service& service = serviceFor(context, facts.destination);
  const bool mayExpire = service.mtls.settings().atExpiry == filters::MtlsSettings::AtExpiry::Plaintext;
  return mayFallBack(facts, service) || (mayExpire && context.identity.hasExpired());
}

/// Not at all, which the record is told with the reason.
Error refuse(WorkerContext& context, const relay::ConnectionFacts& facts, Security why) {
  Counters::of(context.counters.withoutPeer, why).add();
  const Service& service = serviceFor(context, facts.destination);
  const std::string reason = relay::text(why);
  const filter::ConnectionView view{.client = facts.client,
                                    .destination = facts.destination,
                                    .vantage = facts.vantage,
                                    .caller = service.callerAt(facts.client.ip),
                                    .generation = facts.generation};
  context.verdicts.onDenied(view, {"mtls", reason, true});
  return {ErrorCode::Denied, "mutual TLS is not to be had: " + reason, ErrorOrigin::Local, false};
}

/// Directly, where that is the stage's way and not a way out.
io::Task<Result<Upstream>> directlyAs(WorkerContext& context, relay::ConnectionFacts facts, Security security,
                                      Monotonic deadline) {
  auto upstream = co_await dialDirectly(context, facts, deadline);
  if (upstream) upstream->security = security;
  co_return std::move(upstream);
}

}  // namespace

io::Task<Result<Upstream>> dialDirectly(WorkerContext& context, relay::ConnectionFacts facts, Monotonic deadline) {
  io::DialOptions options = dialOptions(context, facts);
  auto dialled = co_await io::dial(context.loop, options, deadline);
  if (!dialled && options.sourcePort != 0 && dialled.error().origin == ErrorOrigin::Local) {
    options.sourcePort = 0;  // the very same pair of addresses and ports is in use: the address alone then
    dialled = co_await io::dial(context.loop, options, deadline);
  }
  if (!dialled && options.source && dialled.error().origin == ErrorOrigin::Local) {
    // Better served from another address than not at all; said by a counter, shown by the graph.
    options.source.reset();
    options.transparent = false;
    options.mark = context.terms.mark;
    dialled = co_await io::dial(context.loop, options, deadline);
  }
  if (!dialled) co_return fail(std::move(dialled).error());
  if (facts.vantage != Vantage::Explicit) {
    (options.source ? context.counters.sourceKept : context.counters.sourceLost).add();
  }
  Upstream upstream;
  upstream.socket = *std::move(dialled);
  co_return std::move(upstream);
}

io::Task<Result<Upstream>> dialUpstream(WorkerContext& context, relay::ConnectionFacts facts, const Service& service,
                                        Monotonic deadline) {
  const std::uint16_t port = facts.destination.port;
  if (service.mtls.stage(port) == MtlsStage::Off) co_return co_await dialDirectly(context, facts, deadline);
  if (facts.vantage == Vantage::Inbound) {  // it came in plaintext: why, its caller's proxy knows, if it has one
    const State state = context.loopGuard.isLocal(facts.client.ip) ? State::Local : State::Unprobed;
    co_return co_await directlyAs(context, facts, {state, 0}, deadline);
  }
  if (context.loopGuard.isLocal(facts.destination.ip)) {
    co_return co_await directlyAs(context, facts, {State::Local, 0}, deadline);
  }
  const std::string_view caller = service.callerAt(facts.client.ip);
  const MtlsStage stage = service.mtls.stageOf(caller, facts.client.ip, port);
  const bool fallsBack = mayFallBack(facts, service);
  const Security known = context.peers.known(facts.destination);
  const bool goesDirectly =
      stage < MtlsStage::Prefer || (fallsBack && !context.peers.isWorthCalling(facts.destination));
  if (goesDirectly && context.peers.isDue(facts.destination)) context.peers.ask(peerTerms(context, facts, service, {}));
  if (stage < MtlsStage::Prefer) {
    const bool left = service.mtls.stage(port) >= MtlsStage::Prefer && known.state == State::Ready;
    co_return co_await directlyAs(context, facts, left ? Security{State::NotChosen, 0} : known, deadline);
  }
  if (goesDirectly) {
    Counters::of(context.counters.fallbacks, known).add();
    co_return co_await directlyAs(context, facts, known, deadline);
  }
  PeerTerms terms = peerTerms(context, facts, service, fallsBack ? known : Security());
  if (deadline != io::kNever) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - context.loop.now());
    terms.patience = std::clamp(left, milliseconds(1), terms.patience);
  }
  // From here on another snapshot may be in force: nothing of this service is looked at any more.
  PeerCall call = co_await context.peers.call(std::move(terms), service.mtls.settings().fallbackAfter);
  if (call.stream) {
    Upstream upstream;
    upstream.identity = call.stream->peerIdentity().id;
    upstream.stream = std::move(call.stream);
    upstream.security = call.security;
    co_return std::move(upstream);
  }
  if (call.security.isMutual()) co_return fail(refusalOf(call.answer));
  if (!maySpeakPlainly(context, facts)) co_return fail(refuse(context, facts, call.security));
  Counters::of(context.counters.fallbacks, call.security).add();
  co_return co_await directlyAs(context, facts, call.security, deadline);
}

}  // namespace loam::server
