#pragma once

#include <sys/socket.h>

#include "proxy/io/socket.h"
#include "proxy/tls/stream.h"

namespace loam::relay {

/// One side of a relayed connection: a socket as it is, or TLS between two proxies over one. Two pointers, copied
/// freely; what they point at outlives it. One thread, no waiting.
class Leg {
 public:
  Leg(io::Socket& socket) : socket_(&socket) {}  // NOLINT(google-explicit-constructor): a socket is a leg
  /// The stream is open.
  explicit Leg(tls::Stream& stream) : socket_(&stream.socket()), stream_(&stream) { stream.leaveEndToCaller(); }

  /// For waiting, and for what concerns TCP alone.
  io::Socket& socket() const { return *socket_; }
  /// Bytes pass as they are, so that the kernel may move them.
  bool isPlain() const { return stream_ == nullptr; }
  bool mayRead() const { return isPlain() ? socket_->mayRead() : stream_->mayRead(); }
  /// As io::Socket::read; a TLS that ends without saying so is an error.
  Result<std::size_t> read(std::span<std::uint8_t> into) const {
    return isPlain() ? socket_->read(into) : stream_->readNow(into);
  }
  /// As io::Socket::write. What TLS took may still wait for room: see isFlushed().
  Result<std::size_t> write(std::span<const std::uint8_t> from) const {
    return isPlain() ? socket_->write(from) : stream_->writeNow(from);
  }
  bool isFlushed() const { return isPlain() || stream_->isFlushed(); }
  /// True when nothing waits any more.
  Result<bool> flush() const {
    if (isPlain()) return true;
    return stream_->flushNow();
  }
  /// Says that no more comes; true once that is out.
  Result<bool> end() const {
    if (!isPlain()) return stream_->endNow();
    ::shutdown(socket_->fd(), SHUT_WR);
    return true;
  }

 private:
  io::Socket* socket_;
  tls::Stream* stream_ = nullptr;
};

}  // namespace loam::relay
