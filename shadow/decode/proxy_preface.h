#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "proxy/base/address.h"
#include "shadow/decode/registry.h"

namespace loam::decode {

/// What stands ahead of the protocol when a load balancer in front states the client (PROXY protocol, versions 1 and
/// 2).
struct ProxyPreface {
  Match match = Match::No;
  std::size_t size = 0;                 ///< whole length, which may reach past the bytes shown (version 2's extensions)
  std::optional<SocketAddress> client;  ///< absent for UNKNOWN, LOCAL and families other than TCP over IP
};

/// Looks at a connection's first bytes from the client. Decides within 232 bytes; an answer other than NeedMore stays
/// the same with more bytes.
ProxyPreface parseProxyPreface(std::span<const std::uint8_t> bytes);

}  // namespace loam::decode
