#pragma once

#include "proxy/http/client_connection.h"
#include "proxy/io/event_loop.h"

namespace loam::http {

/// Sends one request on a connection of its own, secured where `wrap` is given, and reads the answer; any status is an
/// answer. Adds Host, Content-Length and Connection. Errors: those of ClientConnection.
io::Task<Result<Response>> fetch(io::EventLoop& loop, Target target, Request request, Monotonic deadline,
                                 io::Wrap wrap = {});

/// The same on a loop of its own, for programs that have none: blocks for at most `patience`.
Result<Response> fetchAndWait(const Target& target, Request request, milliseconds patience, io::Wrap wrap = {});

}  // namespace loam::http
