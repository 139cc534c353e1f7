#include <array>

#include "proxy/server/carrying.h"
#include "proxy/server/connection.h"

namespace loam::server {

namespace {

using relay::CloseReason;
using relay::Vantage;

constexpr seconds kPatience{10};  // with a peer that shakes hands and says where to

tls::Answer answerOf(const Error& error) {
  if (error.code == ErrorCode::Refused || error.code == ErrorCode::Reset) return tls::Answer::Refused;
  return error.origin == ErrorOrigin::Upstream ? tls::Answer::Unreachable : tls::Answer::Failed;
}

io::Task<Status> answer(tls::Stream& stream, tls::Answer answer) {
  const std::uint8_t byte = static_cast<std::uint8_t>(answer);
  const Monotonic deadline = stream.loop().clock().now() + kPatience;
  co_return co_await stream.write(std::span(&byte, 1), deadline);
}

/// Says so, and that this is the end; the peer is to read it before it meets a reset.
io::Task<void> sayLast(tls::Stream& stream, tls::Answer why) {
  const Status written = co_await answer(stream, why);
  if (!written) co_return;
  stream.endWriting();
  std::array<std::uint8_t, 16> rest{};
  const Monotonic deadline = stream.loop().clock().now() + tls::Stream::kGoodbye;
  const auto end = co_await stream.read(rest, deadline);
  if (!end) co_return;
}

/// The service at an endpoint of this host that takes connections from other proxies; null for any other destination.
/// What is to be had by loopback alone is for this host alone, whatever a snapshot calls it.
const Service* advertised(const WorkerContext& context, const SocketAddress& destination) {
  if (destination.ip.isLoopback() || !context.loopGuard.isLocal(destination.ip)) return nullptr;
  const Service* service = context.services->findExactly(destination);
  return service != nullptr && service->mtls.accepts(destination) ? service : nullptr;
}

/// A proxy is believed to speak for the address that it calls from, and for no other: else any host of the mesh could
/// be any client to an application that goes by addresses (ADR 10).
SocketAddress clientOf(const tls::Preface& preface, const SocketAddress& peer) {
  return preface.client.ip == peer.ip ? preface.client : peer;
}

/// The stream of an admitted peer, open, and its preface; nothing when there is nobody to go on with.
io::Task<std::unique_ptr<tls::Stream>> shakeHands(WorkerContext& context, std::unique_ptr<io::Socket> socket,
                                                  Monotonic deadline) {
  const auto secured = context.identity.asServer();
  if (!secured) co_return nullptr;
  auto stream = tls::Stream::server(secured, std::move(socket));
  const Status opened = co_await stream->open(deadline);
  if (!opened) {
    context.counters.peerRefused(peerFaultOf(opened.error(), *stream)).add();
    co_return nullptr;
  }
  co_return std::move(stream);
}

}  // namespace

io::Task<void> carryFromPeer(WorkerContext& context, io::Accepted accepted) {
  context.counters.accepted.add();
  const Active active(context.counters, Vantage::Inbound);
  io::tuneTcp(accepted.fd.get(), false);
  auto socket = io::Socket::adopt(context.loop, std::move(accepted.fd));
  if (!socket) co_return;
  const Monotonic deadline = context.loop.clock().now() + kPatience;
  const std::unique_ptr<tls::Stream> stream = co_await shakeHands(context, *std::move(socket), deadline);
  if (!stream) co_return;
  const auto preface = co_await tls::readPreface(*stream, deadline);
  if (!preface) {
    const PeerFault fault = peerFaultOf(preface.error(), *stream);
    const bool isTls = fault != PeerFault::Protocol || stream->alert() != 0;
    context.counters.peerRefused(isTls ? fault : PeerFault::Preface).add();
    co_return;
  }
  const Service* service = advertised(context, preface->destination);
  if (service == nullptr || !mayDial(context, accepted.peer.ip, preface->destination)) {
    context.counters.notAdvertised.add();
    co_await sayLast(*stream, tls::Answer::NotAdvertised);
    co_return;
  }
  if (preface->question) {
    co_await sayLast(*stream, tls::Answer::Accepted);
    co_return;
  }
  const relay::ConnectionFacts facts{clientOf(*preface, accepted.peer), preface->destination, Vantage::Inbound,
                                     context.services->generation()};
  LiveConnection live(context.live, facts, context.loop.now());
  live.securedBy(stream.get());
  const std::string identity = stream->peerIdentity().id;
  const auto tap = openTap(context, facts, *service, identity);
  if (whyNotAdmitted(context, facts, *service, identity, stream->socket(), live)) {
    tap->onClosed(CloseReason::Denied, context.loop.now());
    context.counters.denied.add();
    co_await sayLast(*stream, tls::Answer::Denied);
    co_return;
  }
  Serve serve = service->serve.settingsFor(facts);
  const Monotonic dialled = context.loop.clock().now();
  const auto upstream = co_await dialDirectly(context, facts);
  if (!upstream) {
    countFailure(context, *tap, upstream.error());
    co_await sayLast(*stream, answerOf(upstream.error()));
    co_return;
  }
  const relay::Security mutual{relay::Security::State::Mutual, 0};
  context.counters.security(mutual).add();
  tap->onConnected({context.loop.clock().now() - dialled, mutual, identity});
  const Status told = co_await answer(*stream, tls::Answer::Accepted);
  if (!told) {
    tap->onClosed(CloseReason::DownstreamReset, context.loop.now());
    co_return;
  }
  co_await carryAndCount(context, facts, relay::Leg(*stream), upstream->leg(), *tap, live, std::move(serve), identity);
}

}  // namespace loam::server
