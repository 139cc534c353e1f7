#include "proxy/server/peers.h"

#include <algorithm>
#include <utility>

namespace loam::server {

namespace {

using relay::Security;
using State = Security::State;

Security ofDial(const Error& error) {
  if (error.code == ErrorCode::Refused) return {State::NoProxy, 0};
  if (error.origin == ErrorOrigin::Upstream && error.code != ErrorCode::Reset) return {State::PortBlocked, 0};
  return {State::HandshakeFailed, 0};
}

/// What we found wrong with the peer is said apart from what it found wrong with us.
Security ofTls(const Error& error, const tls::Stream& stream) {
  const bool stranger = error.code == ErrorCode::Denied || error.code == ErrorCode::Protocol;
  if (stranger && !stream.alertCameFromPeer()) return {State::UnknownPeer, 0};
  return {State::HandshakeFailed, stream.alertCameFromPeer() ? stream.alert() : std::uint8_t{0}};
}

/// Whether it came at once, so that hearing it again delays nobody: who is silent, or cuts handshakes, is left alone.
bool isQuickNo(State state) {
  return state == State::NoProxy || state == State::NotAdvertising || state == State::UnknownPeer ||
         state == State::NoIdentity;
}

/// Whether a proxy of the mesh is one of those (D4). Its whole path says who it is, not the end of it.
bool isExpected(const std::vector<std::string>& names, std::string_view spiffe) {
  constexpr std::string_view kKind = "/proxy/";  // which the context has made sure of
  const std::size_t at = spiffe.find(kKind);
  const std::string_view name = at == std::string_view::npos ? spiffe : spiffe.substr(at + kKind.size());
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Security Peers::known(const SocketAddress& destination) const {
  const auto found = known_.find(destination);
  return found == known_.end() ? Security{State::Unprobed, 0} : found->second.security;
}

bool Peers::isWorthCalling(const SocketAddress& destination) const {
  const auto found = known_.find(destination);
  if (found == known_.end()) return true;
  const Security security = found->second.security;
  return isWorthTrying(security) || (isQuickNo(security.state) && isOld(found->second));
}

bool Peers::isDue(const SocketAddress& destination) {
  const Known* known = entry(destination);
  if (known == nullptr || known->asking) return false;
  if (known->security.state == State::Unprobed) return true;
  return loop_.now() - known->asked >= (known->security.state == State::Ready ? kAskEvery : kAskAgainAfter);
}

void Peers::ask(PeerTerms terms) {
  Known* known = entry(terms.preface.destination);
  if (known == nullptr) return;
  known->asking = true;
  terms.preface.question = true;
  asking_.spawn(askNow(std::move(terms)));
}

io::Task<void> Peers::askNow(PeerTerms terms) {
  const SocketAddress destination = terms.preface.destination;
  const std::uint64_t askedUnder = snapshots_;
  const PeerCall call = co_await reach(std::move(terms));
  Known* known = entry(destination);
  if (known == nullptr) co_return;
  known->asking = false;
  known->asked = loop_.now();
  known->askedUnder = askedUnder;
  known->failures = 0;
  known->security = call.security.isMutual() ? Security{State::Ready, 0} : call.security;
}

io::Task<PeerCall> Peers::call(PeerTerms terms, std::uint32_t fallbackAfter) {
  const SocketAddress destination = terms.preface.destination;
  const std::uint64_t askedUnder = snapshots_;
  if (Known* known = entry(destination)) known->asked = loop_.now();  // one at a time tries what said no
  PeerCall call = co_await reach(std::move(terms));
  learn(destination, call.security, askedUnder, fallbackAfter);
  co_return std::move(call);
}

void Peers::learn(const SocketAddress& destination, Security outcome, std::uint64_t askedUnder,
                  std::uint32_t fallbackAfter) {
  Known* known = entry(destination);
  if (known == nullptr) return;
  const Monotonic now = loop_.now();
  known->asked = now;
  known->askedUnder = askedUnder;
  if (outcome.isMutual()) {
    known->failures = 0;
    known->security = {State::Ready, 0};
    return;
  }
  if (outcome.state != State::HandshakeFailed) {
    known->security = outcome;
    return;
  }
  if (known->failures == 0 || now - known->failing > kFailuresWithin) {
    known->failures = 0;
    known->failing = now;
  }
  if (++known->failures >= fallbackAfter) known->security = {State::Suspended, 0};
}

io::Task<PeerCall> Peers::reach(PeerTerms terms) {
  PeerCall call;
  const auto context = identity_.asClient();
  if (!context) {
    call.security = {State::NoIdentity, 0};
    co_return std::move(call);
  }
  terms.dial.destination.port = port_;
  const Monotonic deadline = loop_.clock().now() + terms.patience;
  auto socket = co_await io::dial(loop_, terms.dial, deadline);
  if (!socket) {
    call.security = ofDial(socket.error());
    co_return std::move(call);
  }
  std::string anyProxy;  // the context knows who is one
  auto stream = tls::Stream::client(context, *std::move(socket), std::move(anyProxy));
  const Status opened = co_await stream->open(deadline);
  if (!opened) {
    call.security = ofTls(opened.error(), *stream);
    co_return std::move(call);
  }
  if (!isExpected(terms.expected, stream->peerIdentity().id)) {
    call.security = {State::UnknownPeer, 0};
    co_return std::move(call);
  }
  // No byte of the application has passed: whoever waits too long for its proxy may still go another way.
  const auto answer = co_await tls::ask(*stream, terms.preface, loop_.clock().now() + terms.patience);
  if (!answer) {
    call.security = ofTls(answer.error(), *stream);
    co_return std::move(call);
  }
  call.answer = *answer;
  call.security = {*answer == tls::Answer::NotAdvertised ? State::NotAdvertising : State::Mutual, 0};
  if (*answer == tls::Answer::Accepted) call.stream = std::move(stream);
  co_return std::move(call);
}

Peers::Known* Peers::entry(const SocketAddress& destination) {
  const auto found = known_.find(destination);
  if (found != known_.end()) return &found->second;
  if (known_.size() >= kMostKnown) return nullptr;
  return &known_[destination];
}

}  // namespace loam::server
