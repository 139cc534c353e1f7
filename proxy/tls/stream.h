#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/byte_stream.h"
#include "proxy/io/task_scope.h"
#include "proxy/tls/certificate.h"
#include "proxy/tls/context.h"
#include "proxy/tls/socket_bio.h"

typedef struct ssl_st SSL;

namespace loam::tls {

/// TLS over a socket. Buffers are given back while nothing passes, so that an idle connection costs little.
class Stream final : public io::ByteStream {
 public:
  static constexpr seconds kGoodbye{1};  ///< for a refused peer to read why

  /// A stream that is not open yet, as the server.
  static std::unique_ptr<Stream> server(std::shared_ptr<const Context> context, std::unique_ptr<io::Socket> socket);
  /// The same as the client. `peer` is the SPIFFE id that the server has to have; empty: any that a root vouches for.
  static std::unique_ptr<Stream> client(std::shared_ptr<const Context> context, std::unique_ptr<io::Socket> socket,
                                        std::string peer);
  /// Both with open() behind them.
  static io::Task<Result<std::unique_ptr<Stream>>> accept(std::shared_ptr<const Context> context,
                                                          std::unique_ptr<io::Socket> socket, Monotonic deadline);
  static io::Task<Result<std::unique_ptr<Stream>>> connect(std::shared_ptr<const Context> context,
                                                           std::unique_ptr<io::Socket> socket, std::string peer,
                                                           Monotonic deadline);
  ~Stream() override;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// What the other side showed; a client without a certificate has none.
  const std::optional<Certificate>& peer() const { return peer_; }
  io::Identity peerIdentity() const override;
  /// The fatal alert that ended it, sent by either side, as RFC 8446 numbers it; 0 while there was none.
  std::uint8_t alert() const { return link_.alert; }
  bool alertCameFromPeer() const { return link_.alertHeard; }

  io::EventLoop& loop() const override { return socket_->loop(); }
  /// Shakes hands. Errors: Timeout at `deadline`, Denied for a peer that is not admitted or has no good certificate
  /// (with the reason), Protocol for what is no TLS 1.3, Reset and Closed. A client is done before the server has
  /// judged its certificate: a refusal is then what its first read says (Denied).
  io::Task<Status> open(Monotonic deadline) override;
  io::Task<Result<std::size_t>> read(std::span<std::uint8_t> into, Monotonic deadline) override;
  io::Task<Status> write(std::span<const std::uint8_t> from, Monotonic deadline) override;
  void endWriting() override;
  void cut() override;

  // For who relays without waiting (relay::Leg), of an open stream, instead of read(), write() and endWriting().
  io::Socket& socket() const { return *socket_; }
  /// From now on the end is told by endNow() alone: who drops the stream before cuts it, and the peer is to see that.
  void leaveEndToCaller() { endIsCallers_ = true; }
  /// Something may be there: in the socket, or taken from it already.
  bool mayRead() const;
  /// At most one record; 0 after close_notify, io::Socket::kWouldBlock when none has come whole.
  Result<std::size_t> readNow(std::span<std::uint8_t> into);
  /// Takes records as long as the socket has room for them, at least the beginning of one; io::Socket::kWouldBlock
  /// while an earlier one waits for room.
  Result<std::size_t> writeNow(std::span<const std::uint8_t> from);
  /// Sends what waits for room; true when nothing does any more.
  Result<bool> flushNow();
  bool isFlushed() const { return link_.waiting.empty(); }
  /// Says that no more will be written; true once that is out.
  Result<bool> endNow();

 private:
  Stream(bool isServer, std::shared_ptr<const Context> context, std::unique_ptr<io::Socket> socket, std::string peer);

  io::Task<Status> shakeHands(Monotonic deadline);
  /// Whether whoever has a good chain is also the one that is wanted.
  Status judgePeer() const;
  /// Takes what a refused peer still sends, so that it comes to read why.
  io::Task<void> linger(Monotonic deadline);
  io::Task<void> sayClose();
  /// Sends what the socket had no room for.
  io::Task<Status> flush(Monotonic deadline);
  /// Why the call on ssl_ that gave `result` failed; nothing when it did its work or waits for the peer. At once after
  /// it: OpenSSL's error queue is the thread's.
  std::optional<Error> faultAfter(int result, std::string_view doing);
  /// False when the peer has not sent anything until `deadline`.
  io::Task<bool> untilPeerSends(Monotonic deadline);
  ErrorOrigin origin() const { return isServer_ ? ErrorOrigin::Downstream : ErrorOrigin::Upstream; }

  const bool isServer_;
  bool open_ = false;
  bool broken_ = false;  // what is written is not whole: a write is under way, was dropped, or failed
  bool ended_ = false;   // we said that no more will be
  bool endIsCallers_ = false;
  bool awaited_ = false;  // somebody waits for the peer's bytes
  std::shared_ptr<const Context> context_;
  std::unique_ptr<io::Socket> socket_;
  const std::string expected_;
  Link link_;
  SSL* ssl_;
  std::optional<Certificate> peer_;
  io::TaskScope closing_;
};

/// Secures each connection that is accepted under what `current` then gives.
io::Wrap asServer(std::function<std::shared_ptr<const Context>()> current);
/// Secures a connection to the server of that SPIFFE id.
io::Wrap asClient(std::shared_ptr<const Context> context, std::string peer);

}  // namespace loam::tls
