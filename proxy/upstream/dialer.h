#pragma once

#include <memory>

#include "proxy/base/address.h"
#include "proxy/io/byte_stream.h"
#include "proxy/io/task.h"

namespace loam::upstream {

/// How a proxy of its own accord reaches an endpoint: the way that exchanges go, mutual TLS and marks included.
class Dialer {
 public:
  virtual ~Dialer() = default;
  /// An open stream. Errors of origin Local say nothing of the endpoint.
  virtual io::Task<Result<std::unique_ptr<io::ByteStream>>> dial(SocketAddress endpoint, Monotonic deadline) = 0;
};

/// Straight to it, over TCP alone.
class PlainDialer final : public Dialer {
 public:
  /// `mark`: by which captures let the proxy's own connections pass; 0: none.
  PlainDialer(io::EventLoop& loop, std::uint32_t mark) : loop_(loop), mark_(mark) {}

  io::Task<Result<std::unique_ptr<io::ByteStream>>> dial(SocketAddress endpoint, Monotonic deadline) override;

 private:
  io::EventLoop& loop_;
  const std::uint32_t mark_;
};

}  // namespace loam::upstream
