#pragma once

#include <functional>

#include "proxy/http/client_connection.h"
#include "proxy/io/event_loop.h"

namespace loam::http {

/// Sends one request on a connection of its own, secured where `wrap` is given, and reads the answer; any status is an
/// answer. Adds Host, Content-Length and Connection. Errors: those of ClientConnection.
io::Task<Result<Response>> fetch(io::EventLoop& loop, Target target, Request request, Monotonic deadline,
                                 io::Wrap wrap = {});

/// The same on a loop of its own, for programs that have none: blocks for at most `patience`.
Result<Response> fetchAndWait(const Target& target, Request request, milliseconds patience, io::Wrap wrap = {});

/// Follows an answer that comes piece by piece (see ClientConnection::follow), on a loop of its own: blocks until
/// `take` says false, the answer ends, or nothing comes for `silence`.
Result<Response> followAndWait(const Target& target, Request request, milliseconds silence,
                               std::function<bool(std::string_view)> take, io::Wrap wrap = {});

}  // namespace loam::http
