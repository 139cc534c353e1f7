#include "proxy/http/client_connection.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "proxy/io/dial.h"

namespace loam::http {

namespace {

std::string serialize(const Target& target, const Request& request) {
  std::string message = request.method + " " + request.target + " HTTP/1.1\r\nHost: ";
  message.append(target.socketPath.empty() ? target.text() : "localhost");
  for (const auto& [name, value] : request.headers) message.append("\r\n").append(name).append(": ").append(value);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    message.append("\r\nContent-Length: ").append(std::to_string(request.body.size()));
  }
  return message.append("\r\n\r\n").append(request.body);
}

io::Task<Result<std::unique_ptr<io::Socket>>> dialTarget(io::EventLoop& loop, const Target& target,
                                                         Monotonic deadline) {
  if (!target.socketPath.empty()) return io::dialUnix(loop, target.socketPath, deadline);
  io::DialOptions options;
  options.destination = target.address;
  options.local = target.address.ip.isLoopback();
  return io::dial(loop, options, deadline);
}

}  // namespace

ClientConnection::ClientConnection(std::unique_ptr<io::ByteStream> stream, Target target)
    : stream_(std::move(stream)), target_(std::move(target)), input_(*stream_) {}

io::Task<Result<std::unique_ptr<ClientConnection>>> ClientConnection::connect(io::EventLoop& loop, Target target,
                                                                              io::Wrap wrap, Monotonic deadline) {
  auto socket = co_await dialTarget(loop, target, deadline);
  if (!socket) co_return fail(std::move(socket).error());
  auto stream = wrap ? wrap(*std::move(socket)) : io::plainStream(*std::move(socket));
  Status opened = co_await stream->open(deadline);
  if (!opened) {
    Error error = std::move(opened).error();
    error.context.insert(0, target.text() + ": ");
    co_return fail(std::move(error));
  }
  co_return over(std::move(stream), std::move(target));
}

std::unique_ptr<ClientConnection> ClientConnection::over(std::unique_ptr<io::ByteStream> stream, Target target) {
  return std::unique_ptr<ClientConnection>(new ClientConnection(std::move(stream), std::move(target)));
}

void ClientConnection::cut() {
  open_ = false;
  stream_->cut();
}

io::Task<Status> ClientConnection::send(const Request& request, Monotonic deadline) {
  if (!std::exchange(open_, false)) co_return fail(errorOf(Receipt::Ended));
  const std::string message = serialize(target_, request);
  const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(message.data()), message.size());
  Status sent = co_await stream_->write(bytes, deadline);
  co_return sent;
}

io::Task<Result<Response>> ClientConnection::follow(Request request, milliseconds silence,
                                                    std::function<bool(std::string_view)> take) {
  const Monotonic deadline = stream_->loop().now() + silence;
  const Status sent = co_await send(request, deadline);
  if (!sent) co_return fail(sent.error());
  Response response;
  BodyPlan plan;
  Receipt receipt = co_await readHead(false, deadline, response, plan);
  if (receipt == Receipt::Complete && response.status == 200) {
    receipt = co_await input_.readPieces(plan, silence, std::move(take));
  } else if (receipt == Receipt::Complete) {
    receipt = co_await input_.readBody(plan, kMostAnswerBytes, deadline, response.body);
  }
  stream_->cut();
  if (receipt != Receipt::Complete) co_return fail(errorOf(receipt));
  co_return response;
}

io::Task<Result<Response>> ClientConnection::ask(Request request, Monotonic deadline) {
  if (!open_) co_return fail(errorOf(Receipt::Ended));
  const Status sent = co_await send(request, deadline);
  // A server that refuses a request early answers and stops reading: its answer counts for more than our failed write.
  if (!sent && sent.error().code == ErrorCode::Timeout) co_return fail(sent.error());
  Response response;
  BodyPlan plan;
  Receipt receipt = co_await readHead(request.method == "HEAD", deadline, response, plan);
  if (receipt == Receipt::Complete) {
    receipt = co_await input_.readBody(plan, kMostAnswerBytes, deadline, response.body);
  }
  if (receipt != Receipt::Complete) {
    stream_->cut();  // whatever still comes is nobody's answer, and the server need not wait for us to read it
    co_return fail(errorOf(receipt));
  }
  open_ = sent && kept_ && plan.kind != BodyPlan::Kind::UntilEnd && input_.empty() &&
          !hasToken(request.header("connection"), "close");
  co_return response;
}

io::Task<Result<Response>> ClientConnection::askBriefly(Request request, Monotonic deadline, std::size_t most) {
  constexpr seconds kForTheBody{1};
  const Status sent = co_await send(request, deadline);
  if (!sent && sent.error().code == ErrorCode::Timeout) co_return fail(sent.error());
  Response response;
  BodyPlan plan;
  const Receipt receipt = co_await readHead(request.method == "HEAD", deadline, response, plan);
  if (receipt == Receipt::Complete) {
    const Monotonic patience = std::min<Monotonic>(deadline, stream_->loop().now() + kForTheBody);
    const Receipt body = co_await input_.readBody(plan, most, patience, response.body);
    if (body != Receipt::Complete) response.body.clear();
  }
  stream_->cut();
  if (receipt != Receipt::Complete) co_return fail(errorOf(receipt));
  co_return response;
}

/// Reads heads until one of a final answer; `plan` says how its body goes.
io::Task<Receipt> ClientConnection::readHead(bool toHead, Monotonic deadline, Response& response, BodyPlan& plan) {
  constexpr int kMostInterim = 16;
  constexpr milliseconds kLongest = std::chrono::hours(24);  // "never" added to a time would be no time
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - stream_->loop().now());
  const milliseconds patience = std::min(left, kLongest);
  for (int interim = 0; interim <= kMostInterim; ++interim) {
    std::string_view bytes;
    const Receipt receipt = co_await input_.readHead(bytes, deadline, patience);
    if (receipt != Receipt::Complete) co_return receipt;
    std::array<HeaderField, kMostStrictFields> fields;
    ResponseHead head;
    if (parseResponseHead(bytes, Strictness::Strict, fields, head) != HeadFault::None) co_return Receipt::BadFraming;
    if (head.status >= 100 && head.status < 200 && head.status != 101) continue;
    response.status = head.status;
    response.contentType = find(head.fields, "content-type");
    for (const HeaderField& field : head.fields) response.headers.emplace_back(field.name, field.value);
    plan = responseBody(head, toHead);
    kept_ = head.facts.keepAlive && head.status != 101;
    co_return Receipt::Complete;
  }
  co_return Receipt::BadFraming;
}

Error ClientConnection::errorOf(Receipt receipt) const {
  const auto error = [this](ErrorCode code, std::string_view what, bool retryable = true) {
    return Error{code, target_.text() + ": " + std::string(what), ErrorOrigin::Upstream, retryable};
  };
  const auto& failure = input_.failure();
  // TLS says more than that the connection is gone: why the server refused us, or that its bytes are none of TLS.
  if (failure && (failure->code == ErrorCode::Denied || failure->code == ErrorCode::Protocol)) {
    return error(failure->code, failure->context, false);
  }
  switch (receipt) {
    case Receipt::Ended:
    case Receipt::Cut:
      return error(ErrorCode::Closed, "the connection ended before the answer did");
    case Receipt::Late:
    case Receipt::Idle:
      return error(ErrorCode::Timeout, "no whole answer in time");
    case Receipt::BodyTooLong:
      return error(ErrorCode::Exhausted, "the answer is too long");
    default:
      return error(ErrorCode::Protocol, "the answer is not HTTP/1.1");
  }
}

}  // namespace loam::http
