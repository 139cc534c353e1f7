#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/tls/stream.h"

namespace loam::server {

/// Why somebody who came to the port for proxies was let go before a connection was dialled for it: the label of
/// `loam_mtls_peers_refused_total`. Of a handshake that this side ended it is the alert that the other one hears, as
/// RFC 8446 names it.
enum class PeerFault : std::uint8_t {
  CertificateRequired,
  CertificateExpired,
  BadCertificate,  ///< not valid yet, too weak, or not to be read
  UnknownCa,
  UnsupportedCertificate,  ///< not for clients, or that of an authority
  CertificateRevoked,
  NotOfMesh,  ///< its certificate is good, and is not that of a proxy of this mesh
  RefusedUs,  ///< the other side found this proxy's certificate wrong
  Protocol,   ///< what came is no TLS that is spoken here
  Timeout,
  Ended,    ///< it went away
  Preface,  ///< what came after the handshake was no preface
};
constexpr std::size_t kPeerFaults = 12;

std::string_view text(PeerFault fault);
/// Of a handshake, or of what was read after it, that failed with `error`.
PeerFault peerFaultOf(const Error& error, const tls::Stream& stream);

}  // namespace loam::server
