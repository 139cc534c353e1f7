#pragma once

#include <openssl/bio.h>

#include <optional>
#include <string>

#include "proxy/io/socket.h"

namespace loam::tls {

/// What stands between OpenSSL and a socket, and what they could not tell each other.
struct Link {
  static constexpr std::size_t kMostWaiting = 64 * 1024;

  io::Socket& socket;
  std::string waiting{};           ///< records that the socket had no room for: they go before any others
  bool ended = false;              ///< the peer's FIN was read
  std::optional<Error> failure{};  ///< of the socket, since it was asked for last
  bool alertHeard = false;         ///< it came from the peer
  std::uint8_t alert = 0;          ///< the fatal one that either side sent, as RFC 8446 numbers it; 0: none
  std::string refusal{};           ///< why Loam refused a chain that OpenSSL found good
};

/// Reads and writes through io::Socket, which keeps the edges of the loop in step and never raises SIGPIPE. A write
/// never waits: what finds no room joins `link.waiting`, whose owner sends it when there is some. Otherwise a peer that
/// asks for new keys while a record is half out would end the connection: OpenSSL 3.0 answers in the midst of that
/// record
/// ("bad length"). `link` outlives it.
BIO* makeSocketBio(Link& link);

}  // namespace loam::tls
