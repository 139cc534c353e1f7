#include "proxy/http/kept_connection.h"

#include <algorithm>
#include <utility>

namespace loam::http {

io::Task<Result<Response>> KeptConnection::ask(io::EventLoop& loop, Request request, Monotonic deadline) {
  auto answer = co_await askOrConnect(loop, std::move(request), deadline);
  failure_.reset();
  if (!answer) failure_ = answer.error();
  co_return answer;
}

io::Task<Result<Response>> KeptConnection::askOrConnect(io::EventLoop& loop, Request request, Monotonic deadline) {
  const std::uint64_t cuts = cuts_;
  if (connection_ && connection_->isOpen() && version_ == version()) {
    auto answer = co_await connection_->ask(request, deadline);
    if (answer) co_return answer;
    const ErrorCode code = answer.error().code;
    const bool ended = code == ErrorCode::Closed || code == ErrorCode::Reset;
    if (!ended || cuts != cuts_) {
      connection_.reset();
      co_return answer;
    }
  }
  const Status connected = co_await connect(loop, std::min(deadline, loop.clock().now() + kConnectWithin));
  if (!connected) co_return fail(connected.error());
  if (cuts != cuts_) connection_->cut();
  auto answer = co_await connection_->ask(std::move(request), deadline);
  if (!answer) connection_.reset();
  co_return answer;
}

io::Task<Status> KeptConnection::connect(io::EventLoop& loop, Monotonic deadline) {
  connection_.reset();
  version_ = version();  // before the wrap: one that is newer than its number is only made anew too early
  io::Wrap wrap;
  if (securing_.wrap) {
    auto made = securing_.wrap();
    if (!made) co_return fail(std::move(made).error());
    wrap = *std::move(made);
  }
  auto connection = co_await ClientConnection::connect(loop, target_, std::move(wrap), deadline);
  if (!connection) co_return fail(std::move(connection).error());
  connection_ = *std::move(connection);
  co_return Status();
}

void KeptConnection::cut() {
  ++cuts_;
  if (connection_) connection_->cut();
}

}  // namespace loam::http
