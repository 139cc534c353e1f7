#pragma once

#include <cstdint>
#include <span>

#include "proxy/io/socket.h"
#include "proxy/io/task.h"

namespace loam::io {

/// Reads what is there, waiting for it until `deadline`; 0 is the end of the stream. `into` is the caller's until it
/// returns.
Task<Result<std::size_t>> readSome(Socket& socket, std::span<std::uint8_t> into, Monotonic deadline = kNever);

/// Writes all of `from`, waiting for room until `deadline`.
Task<Status> writeAll(Socket& socket, std::span<const std::uint8_t> from, Monotonic deadline = kNever);

}  // namespace loam::io
