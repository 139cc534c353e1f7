#include "proxy/http/http1_client.h"

#include <optional>
#include <utility>

#include "proxy/io/task_scope.h"

namespace loam::http {

namespace {

io::Task<void> fetchInto(io::EventLoop& loop, Target target, Request request, Monotonic deadline, io::Wrap wrap,
                         Result<Response>& result) {
  result = co_await fetch(loop, std::move(target), std::move(request), deadline, std::move(wrap));
}

io::Task<void> followInto(io::EventLoop& loop, Target target, Request request, milliseconds silence,
                          std::function<bool(std::string_view)> take, io::Wrap wrap,
                          std::optional<Result<Response>>& result) {
  const Monotonic deadline = loop.now() + silence;
  auto connection = co_await ClientConnection::connect(loop, std::move(target), std::move(wrap), deadline);
  if (connection) {
    result = co_await (*connection)->follow(std::move(request), silence, std::move(take));
  } else {
    result = fail(std::move(connection).error());
  }
}

}  // namespace

io::Task<Result<Response>> fetch(io::EventLoop& loop, Target target, Request request, Monotonic deadline,
                                 io::Wrap wrap) {
  auto connection = co_await ClientConnection::connect(loop, std::move(target), std::move(wrap), deadline);
  if (!connection) co_return fail(std::move(connection).error());
  request.headers.insert(request.headers.begin(), {"Connection", "close"});
  auto response = co_await (*connection)->ask(std::move(request), deadline);
  co_return response;
}

Result<Response> fetchAndWait(const Target& target, Request request, milliseconds patience, io::Wrap wrap) {
  const SystemClock clock;
  auto loop = io::EventLoop::make(clock);
  if (!loop) return fail(std::move(loop).error());
  Result<Response> result = fail(ErrorCode::Timeout, target.text() + ": no whole answer in time");
  io::TaskScope scope;
  const Monotonic deadline = clock.now() + patience;
  scope.spawn(fetchInto(**loop, target, std::move(request), deadline, std::move(wrap), result));
  // The deadline ends every wait inside; the second bound is for what it cannot see.
  while (scope.size() != 0 && clock.now() < deadline + seconds(1)) (*loop)->turn(milliseconds(100));
  scope.cancelAll();
  return result;
}

Result<Response> followAndWait(const Target& target, Request request, milliseconds silence,
                               std::function<bool(std::string_view)> take, io::Wrap wrap) {
  const SystemClock clock;
  auto loop = io::EventLoop::make(clock);
  if (!loop) return fail(std::move(loop).error());
  std::optional<Result<Response>> result;
  io::TaskScope scope;
  scope.spawn(followInto(**loop, target, std::move(request), silence, std::move(take), std::move(wrap), result));
  while (!result) (*loop)->turn(milliseconds(1000));
  return *std::move(result);
}

}  // namespace loam::http
