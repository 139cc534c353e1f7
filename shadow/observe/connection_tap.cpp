#include "shadow/observe/connection_tap.h"

#include "shadow/observe/tap_factory.h"

namespace loam::observe {

using relay::CloseReason;
using relay::Direction;

ConnectionTap::ConnectionTap(ConnectionTapFactory& factory, ConnectionId id, const relay::ConnectionFacts& facts,
                             Monotonic now)
    : factory_(factory), facts_(facts), id_(id), opened_(now), now_(now), flushed_(now) {
  decoder_ = factory_.makeDecoder(*this, decode::DecoderContext{facts.client, facts.destination, &showsHeads_});
  announce();
}

ConnectionTap::~ConnectionTap() {
  if (!closed_) onClosed(CloseReason::Aborted, now_);
  factory_.release(*this);
}

void ConnectionTap::onConnected(const relay::Connected& how) {
  // Nothing is told of services whose mtls is off.
  if (how.security.state == relay::Security::State::Unasked) return;
  Observation secured = record(RecordKind::Security, 0, opened_ + how.took);
  secured.code = how.security.code();
  secured.body.text = how.identity.empty() ? 0 : factory_.channel().intern(how.identity);
  pushOrLose(secured);
}

std::uint64_t ConnectionTap::onBytes(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) {
  count(direction, bytes.size(), now);
  std::uint64_t skippable = kOpaque;
  if (decoder_) {
    skippable = decoder_->feed(direction, bytes, now);
    if (lost_) {
      decoder_.reset();
      skippable = kOpaque;
    }
  }
  flushWhenDue(now);
  return skippable;
}

void ConnectionTap::onSkipped(Direction direction, std::uint64_t bytes, Monotonic now) {
  count(direction, bytes, now);
  if (decoder_) decoder_->skip(direction, bytes, now);
  flushWhenDue(now);
}

void ConnectionTap::onEnd(Direction direction, Monotonic now) {
  now_ = now;
  if (endedBy_ == EndedBy::Nobody) endedBy_ = direction == Direction::Upstream ? EndedBy::Client : EndedBy::Server;
  if (decoder_) decoder_->end(direction, now);
}

void ConnectionTap::onClosed(CloseReason reason, Monotonic now) {
  if (closed_) return;
  now_ = now;
  if (reason == CloseReason::DownstreamReset || reason == CloseReason::Aborted) endedBy_ = EndedBy::Client;
  if (reason == CloseReason::UpstreamReset) endedBy_ = EndedBy::Server;
  if (decoder_) decoder_->close(now);
  closed_ = true;
  Observation closed = record(RecordKind::Closed, static_cast<std::uint8_t>(reason), now);
  closed.body.bytes = {sent_, received_};
  pushOrLose(closed);
}

bool ConnectionTap::flush(Monotonic now) {
  flushed_ = now;
  if (sent_ == 0 && received_ == 0) return true;
  Observation bytes = record(RecordKind::Bytes, 0, now);
  bytes.body.bytes = {sent_, received_};
  if (!push(bytes)) return false;  // kept: told with the next ones
  sent_ = 0;
  received_ = 0;
  return true;
}

void ConnectionTap::count(Direction direction, std::uint64_t bytes, Monotonic now) {
  now_ = now;
  (direction == Direction::Upstream ? sent_ : received_) += bytes;
  if (!countsOnly_) beyondCounting(direction, now);
}

void ConnectionTap::beyondCounting(Direction direction, Monotonic now) {
  if (!listed_) factory_.enlist(*this);
  if (listener_ != nullptr) listener_->onMoved(direction, now);
}

void ConnectionTap::tellRequestsTo(filter::RequestListener* listener) {
  listener_ = listener;
  showsHeads_ = listener != nullptr;
  countsOnly_ = listed_ && listener == nullptr;
}

// After the decoder, so that bytes which bring a protocol are told under it.
void ConnectionTap::flushWhenDue(Monotonic now) {
  if (now - flushed_ >= ConnectionTapFactory::kFlushEvery) flush(now);
}

void ConnectionTap::onProtocol(decode::Protocol protocol) {
  if (protocol == protocol_) return;
  protocol_ = protocol;
  pushOrLose(record(RecordKind::Protocol, static_cast<std::uint8_t>(protocol), now_));
}

void ConnectionTap::onExchange(const decode::Exchange& exchange) {
  // Cut off by the server is the callee's failure; cut off by the client is not.
  decode::Outcome outcome = exchange.outcome;
  if (outcome == decode::Outcome::Incomplete && endedBy_ == EndedBy::Server) outcome = decode::Outcome::Error;
  Observation done =
      record(RecordKind::Exchange, static_cast<std::uint8_t>(outcome), exchange.started + exchange.total);
  done.code = exchange.status;
  const bool cut = exchange.outcome == decode::Outcome::Incomplete;
  done.body.exchange = {0, cut ? -1 : exchange.total.count(), protocol_};
  if (!exchange.path.empty()) {
    // Twice find(): find_first_of() looks at each byte by a call.
    const std::string_view path = exchange.path.substr(0, exchange.path.find('?'));
    done.body.exchange.route = factory_.channel().intern(exchange.method, path.substr(0, path.find('#')));
  }
  pushOrLose(done);
  if (listener_ == nullptr) return;
  const Monotonic ended = exchange.started + exchange.total;
  const bool isAnswered = exchange.status != 0 || exchange.firstByte != nanoseconds(0);
  listener_->onExchange(exchange.number, isAnswered ? exchange.started + exchange.firstByte : ended, ended);
}

void ConnectionTap::onRequestHead(const filter::ExchangeView& view) {
  if (listener_ != nullptr) listener_->onRequestHead(view, now_);
}

void ConnectionTap::onTls(std::uint16_t version, std::string_view serverName, std::string_view) {
  Observation tls = record(RecordKind::Tls, 0, now_);
  tls.code = version;
  pushOrLose(tls);
  if (!serverName.empty()) tellName(NameSource::Sni, serverName);
}

void ConnectionTap::onCertificate(std::string_view) {}

void ConnectionTap::onServerName(std::string_view name) {
  tellName(protocol_ == decode::Protocol::Tls ? NameSource::Sni : NameSource::Host, name);
}

// The edge stays that of this hop: who the preface says stands behind the client is another one's.
void ConnectionTap::onProxiedClient(const SocketAddress&) {}

void ConnectionTap::onLost(decode::LossReason reason) {
  if (lost_) return;
  lost_ = true;
  pushOrLose(record(RecordKind::Lost, static_cast<std::uint8_t>(reason), now_));
}

void ConnectionTap::tellName(NameSource source, std::string_view name) {
  const std::uint64_t hash = factory_.channel().intern(name);
  if (hash == name_) return;
  name_ = hash;
  Observation told = record(RecordKind::Name, static_cast<std::uint8_t>(source), now_);
  told.body.text = hash;
  push(told);  // evidence only: the next connection brings it again
}

Observation ConnectionTap::record(RecordKind kind, std::uint8_t detail, Monotonic at) const {
  Observation made;
  made.kind = kind;
  made.detail = detail;
  made.connection = id_;
  made.at = at;
  return made;
}

bool ConnectionTap::announce() {
  if (announced_) return true;
  Observation opened = record(RecordKind::Opened, static_cast<std::uint8_t>(facts_.vantage), opened_);
  opened.body.opened = {facts_.client, facts_.destination, facts_.generation};
  announced_ = factory_.channel().push(opened);
  return announced_;
}

bool ConnectionTap::push(const Observation& observation) { return announce() && factory_.channel().push(observation); }

void ConnectionTap::pushOrLose(const Observation& observation) {
  if (!push(observation)) factory_.channel().lose();
}

}  // namespace loam::observe
