#include "proxy/http/http1_client.h"

#include <array>
#include <span>

#include "proxy/http/http1_input.h"
#include "proxy/io/dial.h"
#include "proxy/io/stream.h"
#include "proxy/io/task_scope.h"

namespace loam::http {

namespace {

std::string serialize(const Target& target, const Request& request) {
  std::string message = request.method + " " + request.target + " HTTP/1.1\r\nHost: ";
  message.append(target.socketPath.empty() ? target.address.text() : "localhost").append("\r\nConnection: close");
  for (const auto& [name, value] : request.headers) message.append("\r\n").append(name).append(": ").append(value);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    message.append("\r\nContent-Length: ").append(std::to_string(request.body.size()));
  }
  return message.append("\r\n\r\n").append(request.body);
}

Error errorOf(Receipt receipt, const Target& target) {
  const auto error = [&target](ErrorCode code, const char* what) {
    return Error{code, target.text() + ": " + what, ErrorOrigin::Upstream, true};
  };
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

/// Reads heads until one of a final answer; `plan` says how its body goes.
io::Task<Receipt> readFinalHead(Http1Input& input, bool toHead, Monotonic deadline, milliseconds patience,
                                Response& response, BodyPlan& plan) {
  constexpr int kMostInterim = 16;
  for (int interim = 0; interim <= kMostInterim; ++interim) {
    std::string_view bytes;
    const Receipt receipt = co_await input.readHead(bytes, deadline, patience);
    if (receipt != Receipt::Complete) co_return receipt;
    std::array<HeaderField, kMostStrictFields> fields;
    ResponseHead head;
    if (parseResponseHead(bytes, Strictness::Strict, fields, head) != HeadFault::None) co_return Receipt::BadFraming;
    if (head.status >= 100 && head.status < 200 && head.status != 101) continue;
    response.status = head.status;
    response.contentType = find(head.fields, "content-type");
    for (const HeaderField& field : head.fields) response.headers.emplace_back(field.name, field.value);
    plan = responseBody(head, toHead);
    co_return Receipt::Complete;
  }
  co_return Receipt::BadFraming;
}

io::Task<Receipt> readAnswer(io::Socket& socket, bool toHead, Monotonic deadline, Response& response) {
  Http1Input input(socket);
  BodyPlan plan;
  const auto patience = std::chrono::duration_cast<milliseconds>(deadline - socket.loop().now());
  const Receipt head = co_await readFinalHead(input, toHead, deadline, patience, response, plan);
  if (head != Receipt::Complete) co_return head;
  const Receipt body = co_await input.readBody(plan, kMostAnswerBytes, deadline, response.body);
  co_return body;
}

io::Task<void> fetchInto(io::EventLoop& loop, Target target, Request request, Monotonic deadline,
                         Result<Response>& result) {
  result = co_await fetch(loop, std::move(target), std::move(request), deadline);
}

}  // namespace

Result<Target> Target::parse(std::string_view text) {
  constexpr std::string_view kLocalhost = "localhost:";
  Target target;
  if (text.find('/') != std::string_view::npos) {
    target.socketPath = text;
    return target;
  }
  const std::string address =
      text.starts_with(kLocalhost) ? "127.0.0.1:" + std::string(text.substr(kLocalhost.size())) : std::string(text);
  const auto parsed = SocketAddress::parse(address);
  if (!parsed || parsed->port == 0) {
    return fail(ErrorCode::InvalidArgument,
                "expected the path of a socket or ADDRESS:PORT, found \"" + std::string(text) + "\"");
  }
  target.address = *parsed;
  return target;
}

std::string Target::text() const { return socketPath.empty() ? address.text() : socketPath; }

io::Task<Result<Response>> fetch(io::EventLoop& loop, Target target, Request request, Monotonic deadline) {
  Result<std::unique_ptr<io::Socket>> socket;
  if (target.socketPath.empty()) {
    io::DialOptions options;
    options.destination = target.address;
    options.local = target.address.ip.isLoopback();
    socket = co_await io::dial(loop, options, deadline);
  } else {
    socket = co_await io::dialUnix(loop, target.socketPath, deadline);
  }
  if (!socket) co_return fail(std::move(socket).error());
  const std::string message = serialize(target, request);
  const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(message.data()), message.size());
  const Status sent = co_await io::writeAll(**socket, bytes, deadline);
  // A server that refuses a request early answers and stops reading: its answer counts for more than our failed write.
  if (!sent && sent.error().code == ErrorCode::Timeout) co_return fail(sent.error());
  Response response;
  const bool toHead = request.method == "HEAD";
  const Receipt receipt = co_await readAnswer(**socket, toHead, deadline, response);
  if (receipt != Receipt::Complete) co_return fail(errorOf(receipt, target));
  co_return response;
}

Result<Response> fetchAndWait(const Target& target, Request request, milliseconds patience) {
  const SystemClock clock;
  auto loop = io::EventLoop::make(clock);
  if (!loop) return fail(std::move(loop).error());
  Result<Response> result = fail(ErrorCode::Timeout, target.text() + ": no whole answer in time");
  io::TaskScope scope;
  const Monotonic deadline = clock.now() + patience;
  scope.spawn(fetchInto(**loop, target, std::move(request), deadline, result));
  // The deadline ends every wait inside; the second bound is for what it cannot see.
  while (scope.size() != 0 && clock.now() < deadline + seconds(1)) (*loop)->turn(milliseconds(100));
  scope.cancelAll();
  return result;
}

}  // namespace loam::http
