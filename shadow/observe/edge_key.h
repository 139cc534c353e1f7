#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/base/address.h"
#include "shadow/decode/decoder.h"

namespace loam::observe {

/// How an edge came to be known: the tap's vantage, or the socket table alone.
enum class Sight : std::uint8_t { Outbound, Inbound, Explicit, Inventory };

constexpr Sight sightOf(relay::Vantage vantage) { return static_cast<Sight>(vantage); }
static_assert(sightOf(relay::Vantage::Explicit) == Sight::Explicit &&
              sightOf(relay::Vantage::Inbound) == Sight::Inbound);

/// "outbound", "inbound", "explicit", "inventory".
std::string_view name(Sight sight);
/// "TLSv1.3" of 0x0304 and so on; empty for 0 and for what is no version of TLS.
std::string_view tlsName(std::uint16_t version);

/// What observations are added up by.
struct EdgeKey {
  IpAddress client;
  SocketAddress destination;
  std::uint32_t owner = 0;     ///< id in Owners; 0: unknown
  std::uint32_t identity = 0;  ///< id in Identities; 0: none
  std::uint16_t tls = 0;       ///< version on the wire; 0: plaintext
  std::uint16_t security = 0;  ///< code of relay::Security
  Sight sight = Sight::Explicit;
  decode::Protocol protocol = decode::Protocol::Unknown;

  bool operator==(const EdgeKey&) const = default;
};

/// Keyed, since clients choose addresses and ports.
struct EdgeKeyHash {
  std::uint64_t seed = 0;
  std::size_t operator()(const EdgeKey& key) const noexcept;
};

}  // namespace loam::observe
