#include "proxy/http/http1_connection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "proxy/http/body_stream.h"
#include "proxy/http/date.h"
#include "proxy/http/http1_chars.h"

namespace loam::http {

namespace {

constexpr seconds kGoodbye{1};  // for a refused client to read why

std::span<const std::uint8_t> bytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Of "http://host/path?x" the target is "/path?x", and the host named there is the one that counts (RFC 9112 3.2.2).
std::string_view takeAbsoluteForm(std::string_view whole, std::string_view host, std::string& target) {
  constexpr std::string_view kScheme = "http://";
  if (!equalsFolded(whole.substr(0, kScheme.size()), kScheme)) return host;
  const std::string_view rest = whole.substr(kScheme.size());
  const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
  target = rest.substr(path);
  if (!target.starts_with('/')) target.insert(0, 1, '/');
  return rest.substr(0, path);
}

/// What answers a request that did not come whole; 0: nobody is there to hear it, or nothing was asked.
int statusFor(Receipt receipt) {
  switch (receipt) {
    case Receipt::Late:
      return 408;
    case Receipt::LineTooLong:
      return 414;
    case Receipt::HeadTooLong:
      return 431;
    case Receipt::BodyTooLong:
      return 413;
    case Receipt::BadFraming:
      return 400;
    default:
      return 0;
  }
}

/// The last one is empty.
std::string chunkOf(std::string_view piece) {
  std::array<char, 20> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr;
  return std::string(size.data(), end).append("\r\n").append(piece).append("\r\n");
}

bool bodyless(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

Http1Connection::Http1Connection(std::unique_ptr<io::Socket> socket, Peer peer, Shared shared)
    : shared_(shared),
      stream_(shared.security.wrap ? shared.security.wrap(std::move(socket)) : io::plainStream(std::move(socket))),
      input_(*stream_),
      peer_(std::move(peer)),
      since_(stream_->loop().now()) {}

Http1Connection::~Http1Connection() { holdBody(0); }

void Http1Connection::cut() {
  cut_ = true;
  stream_->cut();
}

void Http1Connection::enter(Phase phase) {
  phase_ = phase;
  since_ = stream_->loop().now();
}

void Http1Connection::holdBody(std::size_t bytes) {
  shared_.counters.bodiesHeld += bytes - held_;
  held_ = bytes;
}

io::Task<void> Http1Connection::serve() {
  constexpr unsigned kInOneTurn = 16;
  const bool secured = co_await secure();
  if (!secured) co_return;
  for (unsigned served = 1;; ++served) {
    const bool more = co_await exchange();
    if (!more) co_return;
    // A client that pipelines thousands of requests lets the others have their turn.
    if (served % kInOneTurn == 0) co_await stream_->loop().yield();
  }
}

io::Task<bool> Http1Connection::secure() {
  const Status opened = co_await stream_->open(since_ + shared_.limits.head);
  if (!opened) {
    ++shared_.counters.insecure;
    if (shared_.security.failed && !cut_) shared_.security.failed(peer_, opened.error());
    co_return false;
  }
  auto [id, serial] = stream_->peerIdentity();
  peer_.id = std::move(id);
  peer_.serial = std::move(serial);
  co_return true;
}

io::Task<bool> Http1Connection::exchange() {
  Request request;
  const Refusal refusal = co_await receive(request);
  if (refusal.status != kWhole) {
    request = {};
    holdBody(0);
    co_await refuse(refusal);
    co_return false;
  }
  ++shared_.counters.requests;
  enter(Phase::Handling);
  const Response response = co_await shared_.handler(request);
  enter(Phase::Waiting);
  const bool sent = co_await send(request, response);
  holdBody(0);
  if (sent && !keepAlive_) co_await sayGoodbye();
  const bool more = sent && keepAlive_;
  co_return more;
}

io::Task<Http1Connection::Refusal> Http1Connection::receive(Request& request) {
  std::string_view bytes;
  idle_ = true;
  const bool fresh = phase_ == Phase::Fresh;
  const Monotonic idle = fresh ? since_ + shared_.limits.head : stream_->loop().now() + shared_.limits.idle;
  const Receipt receipt = co_await input_.readHead(bytes, idle, shared_.limits.head);
  idle_ = false;
  if (receipt != Receipt::Complete) co_return Refusal{statusFor(receipt), http::name(receipt)};
  HeadFacts facts;
  const HeadFault fault = takeHead(bytes, request, facts);
  if (fault != HeadFault::None) co_return Refusal{statusFor(fault), http::name(fault)};
  if (shared_.limits.admitsHost && !shared_.limits.admitsHost(facts.host))
    co_return Refusal{421, "misdirected_request"};
  const Refusal refusal = co_await receiveBody(facts, request);
  co_return refusal;
}

HeadFault Http1Connection::takeHead(std::string_view bytes, Request& request, HeadFacts& facts) {
  std::array<HeaderField, kMostStrictFields> fields;
  RequestHead head;
  const HeadFault fault = parseRequestHead(bytes, Strictness::Strict, fields, head);
  if (fault != HeadFault::None) return fault;
  request.peer = peer_;
  request.method = head.method;
  request.target = head.target;
  for (const HeaderField& field : head.fields) request.headers.emplace_back(field.name, field.value);
  facts = head.facts;
  facts.host = takeAbsoluteForm(head.target, facts.host, request.target);
  keepAlive_ = facts.keepAlive;
  oldClient_ = head.minorVersion == 0;
  return HeadFault::None;
}

io::Task<Http1Connection::Refusal> Http1Connection::receiveBody(const HeadFacts& facts, Request& request) {
  const BodyPlan plan = requestBody(facts);
  const Expectation expectation = facts.expectation;
  if (expectation == Expectation::Unknown) co_return Refusal{417, "expectation_failed"};
  const bool declared = plan.kind == BodyPlan::Kind::Length;
  if (declared && plan.length == 0) co_return Refusal{};
  const std::size_t most = shared_.limits.bodyOf ? shared_.limits.bodyOf(request) : shared_.limits.body;
  if (declared && plan.length > most) co_return Refusal{413, "body_too_long"};
  // A chunked body may become as long as is allowed: room is taken for the worst case.
  const std::size_t room = declared ? plan.length : most;
  if (shared_.counters.bodiesHeld + room > shared_.limits.bodies) co_return Refusal{503, "too_many_bodies"};
  holdBody(room);
  const Monotonic deadline = stream_->loop().now() + shared_.limits.transfer;
  if (expectation == Expectation::Continue && !oldClient_ && input_.empty()) {
    const Status told = co_await stream_->write(bytesOf("HTTP/1.1 100 Continue\r\n\r\n"), deadline);
    if (!told) co_return Refusal{0, "cut"};
  }
  const Receipt receipt = co_await input_.readBody(plan, most, deadline, request.body);
  if (receipt == Receipt::Complete) co_return Refusal{};
  co_return Refusal{statusFor(receipt), http::name(receipt)};
}

io::Task<void> Http1Connection::refuse(Refusal refusal) {
  const auto [status, code] = refusal;
  if (status == 0) co_return;
  ++shared_.counters.refused;
  keepAlive_ = false;
  Response response{.status = status, .contentType = "application/problem+json", .body = {}, .headers = {}};
  response.body.append(R"({"type":"urn:loam:problem:)").append(code).append(R"(","title":")");
  response.body.append(reasonPhrase(status)).append(R"(","status":)").append(std::to_string(status));
  response.body.append(R"(,"code":")").append(code).append("\"}");
  const std::string message = headOf(response) + response.body;
  const Monotonic deadline = stream_->loop().now() + kGoodbye;
  const Status sent = co_await stream_->write(bytesOf(message), deadline);
  if (sent) co_await sayGoodbye();
}

io::Task<void> Http1Connection::sayGoodbye() {
  stream_->endWriting();
  co_await input_.drain(stream_->loop().now() + kGoodbye);
}

io::Task<bool> Http1Connection::send(const Request& request, const Response& response) {
  if (shared_.draining) keepAlive_ = false;
  if (response.stream && oldClient_) keepAlive_ = false;  // its end is the connection's
  std::string message = headOf(response);
  const bool hasBody = request.method != "HEAD" && !bodyless(response.status);
  if (hasBody && !response.stream) message.append(response.body);
  const Monotonic deadline = stream_->loop().now() + shared_.limits.transfer;
  const Status sent = co_await stream_->write(bytesOf(message), deadline);
  if (!sent || !hasBody || !response.stream) co_return sent.has_value();
  const bool whole = co_await sendPieces(*response.stream);
  co_return whole;
}

io::Task<bool> Http1Connection::sendPieces(BodyStream& body) {
  for (;;) {
    std::string piece = co_await body.next();
    const bool last = piece.empty();
    if (!oldClient_) piece = chunkOf(piece);
    const Monotonic deadline = stream_->loop().now() + shared_.limits.stall;
    const Status sent = co_await stream_->write(bytesOf(piece), deadline);
    if (!sent || last) co_return sent.has_value();
  }
}

std::string Http1Connection::headOf(const Response& response) const {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head.append(reasonPhrase(response.status)).append("\r\nDate: ").append(dateText(stream_->loop().clock().wall()));
  const auto add = [&head](std::string_view name, std::string_view value) {
    // A handler's text never becomes a header of its own.
    if (std::any_of(value.begin(), value.end(), isControl)) return;
    head.append("\r\n").append(name).append(": ").append(value);
  };
  if (!bodyless(response.status)) {
    if (!response.contentType.empty()) add("Content-Type", response.contentType);
    if (!response.stream) add("Content-Length", std::to_string(response.body.size()));
    if (response.stream && !oldClient_) add("Transfer-Encoding", "chunked");
  }
  for (const auto& [name, value] : response.headers) add(name, value);
  if (!keepAlive_) add("Connection", "close");
  if (keepAlive_ && oldClient_) add("Connection", "keep-alive");
  return head.append("\r\n\r\n");
}

}  // namespace loam::http
