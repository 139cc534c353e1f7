#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"
#include "shadow/decode/decoder.h"

namespace loam::observe {

/// One connection of one worker: the slot it occupies and how often that slot was used before, so that a record of an
/// earlier tenant is told from the present one's. Together with the worker's channel it is unique.
struct ConnectionId {
  std::uint32_t slot = 0;
  std::uint32_t serial = 0;
  bool operator==(const ConnectionId&) const = default;
};

enum class RecordKind : std::uint8_t {
  Opened,    ///< body.opened; detail: relay::Vantage
  Security,  ///< code: relay::Security; body.text: the identity, 0 without. Only where somebody asked
  Protocol,  ///< detail: decode::Protocol
  Tls,       ///< code: version on the wire
  Exchange,  ///< body.exchange; detail: decode::Outcome, Incomplete only when the client's side ended it; code: status
  Bytes,     ///< body.bytes
  Name,      ///< body.text; detail: NameSource
  Lost,      ///< detail: decode::LossReason
  Closed,    ///< body.bytes: what no Bytes record told yet; detail: relay::CloseReason
  Verdict,   ///< body.verdict, of no connection that is followed; detail: whether it was enforced
};

/// How a connection's client named its server.
enum class NameSource : std::uint8_t { Sni, Host };

/// What a tap tells the observer: fixed size, pushed through the worker's ring. Texts stand for themselves by hash; the
/// text itself goes once through the side ring.
struct Observation {
  struct Opened {
    SocketAddress client;
    SocketAddress destination;
    std::uint64_t generation;
  };
  struct Exchange {
    std::uint64_t route;  ///< hash of "METHOD path"; 0 where the protocol has neither
    std::int64_t totalNs;
    decode::Protocol protocol;
  };
  struct Bytes {
    std::uint64_t sent;
    std::uint64_t received;
  };
  struct Verdict {
    IpAddress client;
    SocketAddress destination;
    std::uint64_t identity;  ///< hash of the text; 0 without one
    std::uint64_t rule;      ///< hash of "FEATURE RULE"
    std::uint64_t generation;
  };
  union Body {
    Body() : bytes{} {}
    Opened opened;
    Verdict verdict;
    Exchange exchange;
    Bytes bytes;
    std::uint64_t text;
  };

  RecordKind kind = RecordKind::Opened;
  std::uint8_t detail = 0;
  std::uint16_t code = 0;
  ConnectionId connection;
  Monotonic at;
  Body body;
};
static_assert(std::is_trivially_copyable_v<Observation> && sizeof(Observation) <= 96);

/// A text on its way to the observer, at most kMostText bytes of it.
struct Text {
  static constexpr std::size_t kMostText = 256;
  std::uint64_t hash;
  std::uint16_t size;
  std::array<char, kMostText> bytes;

  std::string_view view() const { return {bytes.data(), size}; }
};
static_assert(std::is_trivially_copyable_v<Text>);

}  // namespace loam::observe
