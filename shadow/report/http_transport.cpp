#include "shadow/report/http_transport.h"

#include <utility>

#include "proxy/io/task_scope.h"

namespace loam::report {

namespace {

io::Task<void> askInto(http::KeptConnection& connection, io::EventLoop& loop, http::Request request, Monotonic deadline,
                       Result<http::Response>& result) {
  result = co_await connection.ask(loop, std::move(request), deadline);
}

}  // namespace

Result<std::unique_ptr<HttpTransport>> HttpTransport::make(http::Target controller, http::Securing securing) {
  auto clock = std::make_unique<const SystemClock>();
  auto loop = io::EventLoop::make(*clock);
  if (!loop) return fail(std::move(loop).error());
  return std::unique_ptr<HttpTransport>(
      new HttpTransport(*std::move(loop), std::move(clock), std::move(controller), std::move(securing)));
}

HttpTransport::HttpTransport(std::unique_ptr<io::EventLoop> loop, std::unique_ptr<const Clock> clock,
                             http::Target controller, http::Securing securing)
    : clock_(std::move(clock)), loop_(std::move(loop)), connection_(std::move(controller), std::move(securing)) {}

Status HttpTransport::send(std::string_view report) {
  http::Request request;
  request.method = "POST";
  request.target = "/v1/reports";
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = report;
  Result<http::Response> response =
      fail(ErrorCode::Timeout, connection_.target().text() + ": no whole answer in time", ErrorOrigin::Upstream);
  io::TaskScope scope;
  const Monotonic deadline = clock_->now() + kPatience;
  loop_->turn(milliseconds(0));  // nobody turned it since the last report
  scope.spawn(askInto(connection_, *loop_, std::move(request), deadline, response));
  // The deadline ends every wait inside; the second bound is for what it cannot see.
  while (scope.size() != 0 && clock_->now() < deadline + seconds(1)) loop_->turn(milliseconds(100));
  scope.cancelAll();
  if (!response) return fail(response.error());
  if (response->status == 200) return {};
  const bool forGood = response->status == 400 || response->status == 413 || response->status == 422;
  return fail(
      forGood ? ErrorCode::InvalidArgument : ErrorCode::Io,
      "the controller answered " + std::to_string(response->status) + " to a report: " + response->body.substr(0, 200));
}

}  // namespace loam::report
