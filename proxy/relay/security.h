#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace loam::relay {

/// How a connection goes between the hosts of its two ends, and where it is not mutual TLS though the service's `mtls`
/// flag looks for it: why not. The words are those of reports, exports and the CLI.
struct Security {
  enum class State : std::uint8_t {
    Unasked,          ///< "": plaintext, and the flag is off
    Mutual,           ///< "mutual": TLS between two proxies that proved who they are
    Local,            ///< "local": it does not leave the host
    Ready,            ///< "ready": plaintext still, and the peer would take it
    NotChosen,        ///< "not_chosen": plaintext, since this caller is not in the share
    Unprobed,         ///< "unprobed": plaintext, nobody has asked the peer yet
    NoProxy,          ///< "no_proxy": nobody listens on the peer's port for proxies
    PortBlocked,      ///< "port_blocked": that port gives no answer
    NotAdvertising,   ///< "not_advertising": a proxy is there, and does not take connections to this destination
    OwnTls,           ///< "own_tls": the application brings its own
    UnknownPeer,      ///< "unknown_peer": who answers there is no proxy of this mesh
    HandshakeFailed,  ///< "handshake_failed", with the alert where there was one: "handshake_failed:bad_certificate"
    NoIdentity,       ///< "no_identity": this proxy has no certificate that is valid now
    Suspended,        ///< "suspended": too many handshakes with this peer failed just now
  };

  static constexpr std::size_t kStates = 14;

  State state = State::Unasked;
  std::uint8_t alert = 0;  ///< of HandshakeFailed: as RFC 8446 numbers it; 0: none

  bool operator==(const Security&) const = default;
  bool isMutual() const { return state == State::Mutual; }
  /// Leaves the host without TLS of ours, though the flag looked for it.
  bool isPlaintext() const { return state != State::Unasked && state != State::Mutual && state != State::Local; }
  /// For fixed-size records.
  std::uint16_t code() const { return static_cast<std::uint16_t>(static_cast<unsigned>(state) << 8 | alert); }
  static Security ofCode(std::uint16_t code);
};

/// "mutual", "handshake_failed:bad_certificate", "handshake_failed:203"; empty for Unasked.
std::string text(Security security);
/// Nothing for what no version of this program says.
std::optional<Security> securityOf(std::string_view text);

}  // namespace loam::relay
