#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "proxy/base/clock.h"
#include "proxy/filter/exchange_view.h"
#include "proxy/relay/tap.h"

namespace loam::decode {

using relay::Direction;

/// What a connection speaks. The names (`name()`) stand in reports, exports and the CLI.
enum class Protocol : std::uint8_t {
  Unknown,  ///< nothing was said yet
  Tcp,      ///< opaque
  Http1,
  Http2,
  Grpc,  ///< HTTP/2 that carries application/grpc
  WebSocket,
  Tls,
  Postgres,
  Mysql,
  Redis,
  Ssh,
  Smtp,
  Ldap,
  Kafka,
  Amqp,
  Mongodb,
};

/// "http1", "http2", "grpc", "websocket", "tls", "postgres", "mysql", "redis", "tcp", "unknown", "ssh", ...
std::string_view name(Protocol protocol);

/// How an exchange ended.
enum class Outcome : std::uint8_t {
  Ok,
  Error,       ///< the callee said it failed; docs/protocols.md says what counts
  Incomplete,  ///< the connection ended before the answer did
};

/// One request and its response, as a decoder saw it. Views are valid during the call.
struct Exchange {
  Outcome outcome = Outcome::Ok;
  Monotonic started;         ///< first byte of the request
  nanoseconds firstByte{0};  ///< until the first byte of the response
  nanoseconds total{0};      ///< until the last
  std::uint16_t status = 0;  ///< HTTP status, gRPC status, SQL error number's class; 0 when the protocol has none
  std::string_view method;   ///< HTTP and gRPC; empty elsewhere
  std::string_view path;     ///< HTTP path without its query, gRPC "/package.Service/Method"; empty elsewhere
  std::uint32_t number = 0;  ///< HTTP: that of its head (filter::ExchangeView)
};

enum class LossReason : std::uint8_t { Malformed, TooLong, Ambiguous, OutOfStep, BufferFull };
std::string_view name(LossReason reason);

/// What a decoder tells; implemented by shadow/observe's connection tap. Same thread, during the decoder's calls.
class DecoderEvents {
 public:
  virtual ~DecoderEvents() = default;
  /// The protocol was recognised, or changed (HTTP/1 -> WebSocket, PostgreSQL -> TLS, HTTP/2 -> gRPC).
  virtual void onProtocol(Protocol protocol) = 0;
  virtual void onExchange(const Exchange& exchange) = 0;
  /// HTTP: the request head was read, before its bytes go out; simulation decides here.
  virtual void onRequestHead(const filter::ExchangeView& view) = 0;
  /// TLS as seen from outside: version as on the wire (0x0304 is TLS 1.3), ALPN and server name empty when absent.
  virtual void onTls(std::uint16_t version, std::string_view serverName, std::string_view alpn) = 0;
  /// Subject and DNS names of a server certificate that passed in clear (TLS 1.2 and older), as "CN=..., DNS:a, DNS:b".
  virtual void onCertificate(std::string_view summary) = 0;
  /// A name that the client used for the server: Host, :authority, SNI.
  virtual void onServerName(std::string_view name) = 0;
  /// The client's address as a PROXY preface states it.
  virtual void onProxiedClient(const SocketAddress& client) = 0;
  /// The decoder gave up on this connection and is opaque from here; counted, never an error of the traffic.
  virtual void onLost(LossReason reason) = 0;
};

/// The protocol-specific half of the tap: fed with both directions in the order in which the bytes pass, in pieces of
/// any size. Holds at most kMostHeld bytes; on more, on malformed or ambiguous input it reports onLost once and returns
/// kOpaque from then on.
class Decoder {
 public:
  static constexpr std::size_t kMostHeld = 64 * 1024;
  static constexpr std::uint64_t kOpaque = relay::Tap::kOpaque;

  virtual ~Decoder() = default;
  /// Returns how many bytes of this direction after `bytes` need no look (a message body, say); they come as skip().
  virtual std::uint64_t feed(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) = 0;
  /// `count` bytes that feed() said need no look went by. Feeding them instead is right too.
  virtual void skip(Direction direction, std::uint64_t count, Monotonic now) = 0;
  /// A direction ended in order.
  virtual void end(Direction direction, Monotonic now) = 0;
  /// The connection is over: what is still open is Incomplete.
  virtual void close(Monotonic now) = 0;
};

}  // namespace loam::decode
