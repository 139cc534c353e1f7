#include "shadow/decode/http1_decoder.h"

#include <algorithm>
#include <utility>

#include "proxy/http/http1_chars.h"
#include "proxy/http/path_form.h"
#include "shadow/decode/http2_decoder.h"

namespace loam::decode {
namespace {

using http::HeadFault;
using Switch = PendingRequest::Switch;

/// Room for a head's fields that costs nothing to make.
struct FieldStorage {
  alignas(http::HeaderField) std::byte bytes[http::kMostFields * sizeof(http::HeaderField)];

  std::span<http::HeaderField> fields() { return {reinterpret_cast<http::HeaderField*>(bytes), http::kMostFields}; }
};

LossReason lossOf(HeadFault fault) {
  switch (fault) {
    case HeadFault::BothLengths:
    case HeadFault::ContentLength:
    case HeadFault::TransferEncoding:
      return LossReason::Ambiguous;
    default:
      return LossReason::Malformed;
  }
}

/// The path of a request target without query and, in absolute form, without scheme and authority.
std::string_view pathOf(std::string_view target) {
  if (!target.starts_with('/')) {
    if (const std::size_t scheme = target.find("://"); scheme != std::string_view::npos) {
      const std::size_t slash = target.find_first_of("/?", scheme + 3);
      target = slash == std::string_view::npos || target[slash] == '?' ? "/" : target.substr(slash);
    }
  }
  return target.substr(0, target.find('?'));
}

Switch wantedOf(std::string_view upgradeTo) {
  if (upgradeTo.empty()) return Switch::None;
  if (http::hasToken(upgradeTo, "websocket")) return Switch::WebSocket;
  return http::hasToken(upgradeTo, "h2c") ? Switch::H2c : Switch::Other;
}

std::string_view textOf(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::uint8_t> bytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::uint64_t Http1Decoder::feed(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) {
  std::string_view rest = textOf(bytes);
  Side& fed = side(direction);
  while (!lost_ && !rest.empty()) {
    switch (fed.phase) {
      case Phase::Head:
        rest = takeHead(direction, rest, now);
        break;
      case Phase::Body:
        rest = takeBody(direction, rest, now);
        break;
      case Phase::Hold:
        holdBack(std::exchange(rest, {}));
        break;
      case Phase::Switched:
        return successor_ ? successor_->feed(direction, bytesOf(rest), now) : kOpaque;
    }
  }
  return free(direction);
}

std::uint64_t Http1Decoder::free(Direction direction) {
  Side& asked = side(direction);
  if (lost_ || (asked.phase == Phase::Switched && !successor_)) return kOpaque;
  if (asked.phase != Phase::Body) return 0;
  return asked.body.untilEnd() ? kUntilEnd : asked.body.knownContent();
}

std::string_view Http1Decoder::takeHead(Direction direction, std::string_view bytes, Monotonic now) {
  Side& from = side(direction);
  if (from.held.empty()) {
    // Old clients end a body with a line end that no length counts.
    while (!bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n')) bytes.remove_prefix(1);
    if (bytes.empty()) return {};
    from.headStarted = now;
    from.scanner.reset();
  }
  const std::size_t room = kMostHeld - up_.held.size() - down_.held.size();
  std::size_t size = 0;
  // Nearly every head comes whole, and its end need not be looked for first.
  if (from.held.empty() && readHead(direction, bytes.substr(0, room), now, size) == HeadFault::None) {
    return bytes.substr(size);
  }
  size = from.scanner.scan(bytes.substr(0, room));
  if (size == http::HeadScanner::kNotYet) {
    if (bytes.size() > room) {
      lose(from.held.size() + room == kMostHeld ? LossReason::TooLong : LossReason::BufferFull);
    } else {
      from.held.append(bytes);
    }
    return {};
  }
  const std::string_view rest = bytes.substr(size);
  const std::string head = std::exchange(from.held, {}).append(bytes.substr(0, size));
  const HeadFault fault = readHead(direction, head, now, size);
  if (fault != HeadFault::None) lose(lossOf(fault));
  return rest;
}

/// Reads a head from the start of `bytes`; nothing happens when it is not whole there, or bad.
HeadFault Http1Decoder::readHead(Direction direction, std::string_view bytes, Monotonic now, std::size_t& size) {
  if (direction == Direction::Upstream) {
    __attribute__((uninitialized)) FieldStorage storage;
    const auto fields = storage.fields().first(*context_.showsHeads ? http::kMostFields : 0);
    http::RequestHead head;
    const HeadFault fault = http::parseRequestHead(bytes, http::Strictness::Tolerant, fields, head);
    if (fault == HeadFault::None) requestHead(head, now);
    size = head.length;
    return fault;
  }
  http::ResponseHead head;
  const HeadFault fault = http::parseResponseHead(bytes, http::Strictness::Tolerant, {}, head);
  if (fault == HeadFault::None) responseHead(head, now);
  size = head.length;
  return fault;
}

std::string_view Http1Decoder::takeBody(Direction direction, std::string_view bytes, Monotonic now) {
  Side& from = side(direction);
  bytes.remove_prefix(from.body.consume(bytes));
  bodyDone(direction, now);
  return bytes;
}

/// Goes on where a body ended; nothing while it has not.
void Http1Decoder::bodyDone(Direction direction, Monotonic now) {
  switch (side(direction).body.state()) {
    case http::BodyReader::State::Open:
      return;
    case http::BodyReader::State::Failed:
      return lose(LossReason::Malformed);
    case http::BodyReader::State::Done:
      break;
  }
  if (direction == Direction::Upstream) return requestDone(now);
  responseDone(Outcome::Ok, now);
}

void Http1Decoder::holdBack(std::string_view bytes) {
  if (bytes.size() > kMostHeld - up_.held.size() - down_.held.size()) return lose(LossReason::BufferFull);
  up_.held.append(bytes);
}

void Http1Decoder::requestHead(const http::RequestHead& head, Monotonic now) {
  const bool connect = head.method == "CONNECT";
  PendingRequest request;
  request.started = up_.headStarted;
  request.toHead = head.method == "HEAD";
  request.wanted = connect ? Switch::Connect : wantedOf(head.facts.upgradeTo);
  if (!pending_.push(request, head.method, pathOf(head.target))) return lose(LossReason::BufferFull);
  up_.body = http::BodyReader(connect ? http::BodyPlan() : http::requestBody(head.facts), http::Strictness::Tolerant);
  up_.phase = Phase::Body;
  ++asked_;
  names_.report(head.facts.host, events_);
  if (*context_.showsHeads) show(head);
  if (up_.body.state() == http::BodyReader::State::Done) requestDone(now);
}

void Http1Decoder::show(const http::RequestHead& head) const {
  filter::ExchangeView view;
  view.client = context_.client;
  view.destination = context_.destination;
  view.method = head.method;
  const std::string_view authority = http::partsOf(head.target).authority;
  view.authority = authority.empty() ? head.facts.host : authority;  // RFC 9112 3.2.2, as who serves has it
  view.path = head.target;
  view.headers = head.fields;
  view.number = asked_;
  events_.onRequestHead(view);
}

/// The request's last byte passed.
void Http1Decoder::requestDone(Monotonic now) {
  if (down_.phase == Phase::Switched) {
    up_.phase = Phase::Switched;
    return passHeld(now);
  }
  // A request that may change the protocol is the last that is read until its answer is known.
  const bool waits = !pending_.empty() && pending_.back().wanted != Switch::None;
  up_.phase = waits ? Phase::Hold : Phase::Head;
}

void Http1Decoder::responseHead(const http::ResponseHead& head, Monotonic now) {
  if (pending_.empty()) return lose(LossReason::OutOfStep);
  PendingRequest& request = pending_.front();
  if (head.status < 200 && head.status != 101) return;

  request.status = head.status;
  request.firstByte = down_.headStarted - request.started;
  const Switch wanted = std::exchange(request.wanted, Switch::None);
  if (head.status == 101) {
    request.wanted = wanted;
    return switchProtocol(head, now);
  }
  if (wanted == Switch::Connect && head.status < 300) {
    responseDone(Outcome::Ok, now);
    return leave(Protocol::Tcp, now);
  }
  down_.body = http::BodyReader(http::responseBody(head, request.toHead), http::Strictness::Tolerant);
  down_.phase = Phase::Body;
  bodyDone(Direction::Downstream, now);
  if (wanted != Switch::None && up_.phase == Phase::Hold) {
    up_.phase = Phase::Head;
    passHeld(now);
  }
}

void Http1Decoder::responseDone(Outcome outcome, Monotonic now) {
  const PendingRequest& request = pending_.front();
  Exchange exchange;
  exchange.outcome = outcome == Outcome::Ok && request.status >= 500 ? Outcome::Error : outcome;
  exchange.started = request.started;
  exchange.firstByte = request.firstByte;
  exchange.total = now - request.started;
  exchange.status = request.status;
  exchange.method = pending_.frontMethod();
  exchange.path = pending_.frontPath();
  exchange.number = ++answered_;
  events_.onExchange(exchange);
  pending_.pop();
  down_.phase = Phase::Head;
}

void Http1Decoder::switchProtocol(const http::ResponseHead& head, Monotonic now) {
  const Switch asked = pending_.front().wanted;
  if (asked == Switch::None || asked == Switch::Connect || pending_.size() > 1) return lose(LossReason::OutOfStep);
  const Switch taken = head.facts.upgradeTo.empty() ? asked : wantedOf(head.facts.upgradeTo);
  if (taken == Switch::H2c) {
    // The answer comes as stream 1's, and is counted there.
    const UpgradedRequest request{pending_.frontMethod(), pending_.frontPath(), pending_.front().started};
    successor_ = std::make_unique<Http2Decoder>(events_, context_, request);
    pending_.clear();
    return leave(Protocol::Http2, now);
  }
  responseDone(Outcome::Ok, now);
  leave(taken == Switch::WebSocket ? Protocol::WebSocket : Protocol::Tcp, now);
}

void Http1Decoder::leave(Protocol protocol, Monotonic now) {
  events_.onProtocol(protocol);
  down_.phase = Phase::Switched;
  if (up_.phase == Phase::Body) return;
  up_.phase = Phase::Switched;
  passHeld(now);
}

/// Reads what waited in Hold as what it turned out to be.
void Http1Decoder::passHeld(Monotonic now) {
  const std::string held = std::exchange(up_.held, {});
  if (!held.empty()) feed(Direction::Upstream, bytesOf(held), now);
}

void Http1Decoder::skip(Direction direction, std::uint64_t count, Monotonic now) {
  Side& from = side(direction);
  if (lost_ || count == 0) return;
  if (from.phase == Phase::Switched && successor_) return successor_->skip(direction, count, now);
  if (from.phase == Phase::Switched) return;
  if (from.phase != Phase::Body) return lose(LossReason::OutOfStep);
  from.body.skip(count);
  bodyDone(direction, now);
}

void Http1Decoder::end(Direction direction, Monotonic now) {
  if (lost_) return;
  if (side(direction).phase == Phase::Switched && successor_) return successor_->end(direction, now);
  if (direction == Direction::Upstream || down_.phase != Phase::Body) return;
  responseDone(down_.body.untilEnd() ? Outcome::Ok : Outcome::Incomplete, now);
}

void Http1Decoder::close(Monotonic now) {
  if (successor_) successor_->close(now);
  while (!lost_ && !pending_.empty()) responseDone(Outcome::Incomplete, now);
}

void Http1Decoder::lose(LossReason reason) {
  lost_ = true;
  pending_.clear();
  for (Side* each : {&up_, &down_}) std::string().swap(each->held);
  events_.onLost(reason);
}

std::unique_ptr<Decoder> makeHttp1Decoder(DecoderEvents& events, const DecoderContext& context) {
  return std::make_unique<Http1Decoder>(events, context);
}

}  // namespace loam::decode
