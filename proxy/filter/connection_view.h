#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/base/clock.h"
#include "proxy/relay/tap.h"

namespace loam::filter {

/// What a feature may look at when it decides on a connection, before it is dialled. The worker fills it from what is
/// accepted, and the record from what is stored, so that both ask the same question. Views are valid during the call
/// that gets them.
struct ConnectionView {
  SocketAddress client;       ///< as the server will see it; the port may be 0 where only the record is asked
  SocketAddress destination;  ///< where the client meant to go
  relay::Vantage vantage = relay::Vantage::Explicit;
  std::string_view caller{};     ///< service that the client's address belongs to, believed; empty where nobody knows
  bool isLocal = false;          ///< it does not leave this host
  bool hasExpired = false;       ///< this proxy's own certificate has run out: nobody can speak TLS to it
  std::string_view identity{};   ///< SPIFFE id that the caller's proxy proved; empty for plaintext
  std::uint64_t generation = 0;  ///< of the snapshot in force; 0 where only the record is asked
  Monotonic at{};                ///< now
};

}  // namespace loam::filter
