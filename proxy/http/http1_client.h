#pragma once

#include <string>
#include <string_view>

#include "proxy/base/address.h"
#include "proxy/http/message.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/task.h"

namespace loam::http {

/// Where a control-side server listens.
struct Target {
  std::string socketPath{};  ///< a Unix socket; empty for TCP
  SocketAddress address{};

  /// "/run/loam/controller.sock", "./x.sock", "127.0.0.1:7400", "[::1]:7400" or "localhost:7400"; no other names.
  static Result<Target> parse(std::string_view text);
  std::string text() const;
};

constexpr std::size_t kMostAnswerBytes = 256 * 1024 * 1024;

/// Sends one request on a connection of its own and reads the answer; any status is an answer. Adds Host,
/// Content-Length and Connection. Errors: Refused, NotFound and Unreachable when nobody serves there, Timeout at
/// `deadline`, Protocol for an answer that is none, Exhausted for one of more than kMostAnswerBytes.
io::Task<Result<Response>> fetch(io::EventLoop& loop, Target target, Request request, Monotonic deadline);

/// The same on a loop of its own, for programs that have none: blocks for at most `patience`.
Result<Response> fetchAndWait(const Target& target, Request request, milliseconds patience);

}  // namespace loam::http
