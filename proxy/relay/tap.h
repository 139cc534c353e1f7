#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"
#include "proxy/relay/security.h"

namespace loam::filter {
class RequestListener;
}

namespace loam::relay {

/// Which way bytes run: Upstream towards the server, Downstream towards the client.
enum class Direction : std::uint8_t { Upstream, Downstream };

constexpr Direction opposite(Direction direction) {
  return direction == Direction::Upstream ? Direction::Downstream : Direction::Upstream;
}

/// Where on the way of an edge this proxy stands.
enum class Vantage : std::uint8_t {
  Outbound,  ///< beside the client: captured on its way out
  Inbound,   ///< beside the server: captured on its way in
  Explicit,  ///< an address that clients were pointed at
};

/// What is known of a connection when it is accepted.
struct ConnectionFacts {
  SocketAddress client;       ///< as the proxy sees it
  SocketAddress destination;  ///< where the client meant to go
  Vantage vantage = Vantage::Explicit;
  std::uint64_t generation = 0;  ///< of the snapshot that it started under
};

/// How the way to the server was found.
struct Connected {
  nanoseconds took{0};          ///< from the first dial on
  Security security{};          ///< of the way between the hosts
  std::string_view identity{};  ///< SPIFFE id that the proxy at the other end proved; empty without one
};

enum class CloseReason : std::uint8_t {
  Finished,             ///< both sides ended in order
  DownstreamReset,      ///< the client cut it
  UpstreamReset,        ///< the server cut it
  UpstreamRefused,      ///< nobody listens there
  UpstreamUnreachable,  ///< no answer or no route
  Denied,               ///< a feature of the service refused it before it was dialled
  Aborted,              ///< Loam ended it (told by --now, or a bug)
};

/// The passive reader of one relayed connection. All calls come from the worker that owns the connection, in the order
/// of the bytes, each before the bytes it shows go out; it can neither change nor delay them.
class Tap {
 public:
  /// Bytes of a direction that need no look: the rest of its life.
  static constexpr std::uint64_t kOpaque = ~std::uint64_t{0};

  virtual ~Tap() = default;

  /// The upstream is there; `how` is valid during the call.
  virtual void onConnected(const Connected& how) = 0;
  /// Shows the next bytes of a direction. Returns how many bytes after these the tap need not see (kOpaque: all of
  /// them); the relay may then move that many without reading them, and reports them by onSkipped.
  virtual std::uint64_t onBytes(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) = 0;
  /// `count` bytes went by unread, within what onBytes allowed.
  virtual void onSkipped(Direction direction, std::uint64_t count, Monotonic now) = 0;
  /// A direction ended in order (FIN).
  virtual void onEnd(Direction direction, Monotonic now) = 0;
  /// The connection is over; nothing follows.
  virtual void onClosed(CloseReason reason, Monotonic now) = 0;
  /// Who is told of the requests that it reads, from the next one on; null: nobody. Many taps read none.
  virtual void tellRequestsTo(filter::RequestListener* /*listener*/) {}
};

/// Makes the tap of each new connection; one per worker, called from it alone.
class TapFactory {
 public:
  virtual ~TapFactory() = default;
  virtual std::unique_ptr<Tap> open(const ConnectionFacts& facts, Monotonic now) = 0;
  /// About once a second: what the live connections counted since may be told now.
  virtual void flush(Monotonic now) = 0;
};

}  // namespace loam::relay
