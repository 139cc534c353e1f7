#include "proxy/server/peer_fault.h"

#include <array>

namespace loam::server {

namespace {

constexpr std::array<std::string_view, kPeerFaults> kWords{"certificate_required",
                                                           "certificate_expired",
                                                           "bad_certificate",
                                                           "unknown_ca",
                                                           "unsupported_certificate",
                                                           "certificate_revoked",
                                                           "not_of_mesh",
                                                           "refused_us",
                                                           "protocol",
                                                           "timeout",
                                                           "ended",
                                                           "preface"};

/// Of an alert that this side sent.
PeerFault ofAlert(std::uint8_t alert) {
  constexpr std::uint8_t kUnsupported = 43;  // RFC 8446 section 6
  constexpr std::uint8_t kRevoked = 44;
  constexpr std::uint8_t kExpired = 45;
  constexpr std::uint8_t kUnknownCa = 48;
  constexpr std::uint8_t kRequired = 116;
  switch (alert) {
    case kUnsupported:
      return PeerFault::UnsupportedCertificate;
    case kRevoked:
      return PeerFault::CertificateRevoked;
    case kExpired:
      return PeerFault::CertificateExpired;
    case kUnknownCa:
      return PeerFault::UnknownCa;
    case kRequired:
      return PeerFault::CertificateRequired;
    default:
      return PeerFault::BadCertificate;
  }
}

}  // namespace

std::string_view text(PeerFault fault) { return kWords[static_cast<std::size_t>(fault)]; }

PeerFault peerFaultOf(const Error& error, const tls::Stream& stream) {
  switch (error.code) {
    case ErrorCode::Denied:
      if (stream.alert() == 0) return PeerFault::NotOfMesh;
      return stream.alertCameFromPeer() ? PeerFault::RefusedUs : ofAlert(stream.alert());
    case ErrorCode::Protocol:
      return PeerFault::Protocol;
    case ErrorCode::Timeout:
      return PeerFault::Timeout;
    default:
      return PeerFault::Ended;
  }
}

}  // namespace loam::server
