#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"
#include "proxy/http/header_field.h"

namespace loam::filter {

using http::HeaderField;

/// What a feature may look at when it decides on an exchange. The tap's decoders and the serving codec fill it alike,
/// so that simulation and enforcement ask the same question of the same facts. Views are valid during the call that
/// gets them.
struct ExchangeView {
  SocketAddress client;
  SocketAddress destination;
  std::string_view identity;   ///< SPIFFE id of the peer; empty when none was proven
  std::string_view method;     ///< case kept
  std::string_view scheme;     ///< HTTP/2's; empty where the wire says none
  std::string_view authority;  ///< Host or :authority; empty when absent
  std::string_view path;       ///< request target as it came, query included
  std::span<const HeaderField> headers;
  std::uint32_t number = 0;  ///< of its connection's, where a tap's decoder tells it: no other that is open has it

  // Known once the response head was seen.
  std::optional<std::uint16_t> status;
  std::span<const HeaderField> responseHeaders;
  // Known at the end of the exchange.
  std::optional<std::uint32_t> grpcStatus;
  nanoseconds firstByte{0};  ///< request's first byte -> response's first byte
  nanoseconds total{0};      ///< request's first byte -> response's last byte
};

}  // namespace loam::filter
