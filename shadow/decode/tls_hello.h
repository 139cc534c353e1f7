#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace loam::decode {

/// What a ClientHello says in clear; views point into the message.
struct ClientHello {
  std::string_view serverName;
  std::string_view alpn;  ///< the first protocol offered
};

struct ServerHello {
  std::uint16_t version = 0;  ///< chosen, as on the wire: 0x0304 is TLS 1.3
  std::string_view alpn;      ///< chosen; empty in TLS 1.3, where it is encrypted
  bool retry = false;         ///< a HelloRetryRequest: another ServerHello follows
};

/// `body`: the handshake message without its four bytes of header. Nothing when it breaks its grammar.
std::optional<ClientHello> parseClientHello(std::span<const std::uint8_t> body);
std::optional<ServerHello> parseServerHello(std::span<const std::uint8_t> body);

}  // namespace loam::decode
