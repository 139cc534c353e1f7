#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proxy/io/byte_stream.h"
#include "proxy/tls/certificate.h"
#include "proxy/tls/context.h"

typedef struct ssl_st SSL;

namespace loam::tls {

/// TLS over a socket. Buffers are given back while nothing passes, so that an idle connection costs little.
class Stream final : public io::ByteStream {
 public:
  /// Shakes hands as the server. Errors: Timeout at `deadline`, Denied for a peer that is not admitted or has no good
  /// certificate (with the reason), Protocol for what is no TLS, Reset and Closed.
  static io::Task<Result<std::unique_ptr<Stream>>> accept(std::shared_ptr<const Context> context,
                                                          std::unique_ptr<io::Socket> socket, Monotonic deadline);
  /// The same as the client. `peer` is the SPIFFE id that the server has to have; empty: any that a root vouches for.
  static io::Task<Result<std::unique_ptr<Stream>>> connect(std::shared_ptr<const Context> context,
                                                           std::unique_ptr<io::Socket> socket, std::string peer,
                                                           Monotonic deadline);
  ~Stream() override;

  /// What the other side showed; a client without a certificate has none.
  const std::optional<Certificate>& peer() const { return peer_; }

  io::EventLoop& loop() const override { return socket_->loop(); }
  io::Task<Result<std::size_t>> read(std::span<std::uint8_t> into, Monotonic deadline) override;
  io::Task<Status> write(std::span<const std::uint8_t> from, Monotonic deadline) override;
  void endWriting() override;
  void cut() override;

 private:
  Stream(std::shared_ptr<const Context> context, std::unique_ptr<io::Socket> socket);

  std::shared_ptr<const Context> context_;
  std::unique_ptr<io::Socket> socket_;
  SSL* ssl_ = nullptr;
  std::optional<Certificate> peer_;
};

}  // namespace loam::tls
