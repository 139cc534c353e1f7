#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "proxy/io/socket.h"
#include "proxy/io/task.h"

namespace loam::io {

/// Who the other side of a stream has proved to be; empty where it has proved nothing.
struct Identity {
  std::string id{};      ///< "spiffe://loam/proxy/node-a"
  std::string serial{};  ///< of its certificate, lower-case hex
};

/// Bytes in both directions, in order: a socket as it is, or TLS over one. One coroutine reads and one writes at a
/// time; what waits goes with its task. The loop's thread.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  virtual EventLoop& loop() const = 0;
  /// Awaited once, before the first read or write: shakes hands where there is something to agree on.
  virtual Task<Status> open(Monotonic deadline);
  /// Of an open stream.
  virtual Identity peerIdentity() const { return {}; }
  /// Reads what is there, waiting for it until `deadline`; 0 is the end of the stream. `into` is the caller's until it
  /// returns.
  virtual Task<Result<std::size_t>> read(std::span<std::uint8_t> into, Monotonic deadline) = 0;
  /// Writes all of `from`, waiting for room until `deadline`. After an error, or dropped half way, no other write makes
  /// sense.
  virtual Task<Status> write(std::span<const std::uint8_t> from, Monotonic deadline) = 0;
  /// Says that no more will be written (FIN; TLS: close_notify before it). Does not wait: what finds no room now goes
  /// out when there is some, as long as the stream lives.
  virtual void endWriting() = 0;
  /// Ends both directions at once, also while it is being opened: what waits on it goes on with an end or an error.
  virtual void cut() = 0;
};

/// Makes a stream that is not open yet of a socket.
using Wrap = std::function<std::unique_ptr<ByteStream>(std::unique_ptr<Socket>)>;

/// The socket itself.
std::unique_ptr<ByteStream> plainStream(std::unique_ptr<Socket> socket);

}  // namespace loam::io
