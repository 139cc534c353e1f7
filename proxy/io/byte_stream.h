#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "proxy/io/socket.h"
#include "proxy/io/task.h"

namespace loam::io {

/// Bytes in both directions, in order: a socket as it is, or TLS over one. One coroutine reads and one writes at a
/// time; what waits goes with its task. The loop's thread.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  virtual EventLoop& loop() const = 0;
  /// Reads what is there, waiting for it until `deadline`; 0 is the end of the stream. `into` is the caller's until it
  /// returns.
  virtual Task<Result<std::size_t>> read(std::span<std::uint8_t> into, Monotonic deadline) = 0;
  /// Writes all of `from`, waiting for room until `deadline`.
  virtual Task<Status> write(std::span<const std::uint8_t> from, Monotonic deadline) = 0;
  /// Says that no more will be written (FIN; TLS: close_notify before it). Does not wait.
  virtual void endWriting() = 0;
  /// Ends both directions: what waits on it fails at once.
  virtual void cut() = 0;
};

/// The socket itself.
std::unique_ptr<ByteStream> plainStream(std::unique_ptr<Socket> socket);

}  // namespace loam::io
