#include "proxy/relay/security.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace loam::relay {

namespace {

constexpr std::array<std::string_view, Security::kStates> kWords{"",
                                                                 "mutual",
                                                                 "local",
                                                                 "ready",
                                                                 "not_chosen",
                                                                 "unprobed",
                                                                 "no_proxy",
                                                                 "port_blocked",
                                                                 "not_advertising",
                                                                 "own_tls",
                                                                 "unknown_peer",
                                                                 "handshake_failed",
                                                                 "no_identity",
                                                                 "suspended"};

struct Alert {
  std::uint8_t number;
  std::string_view name;
};

/// RFC 8446 section 6, and what TLS 1.2 had before.
constexpr std::array kAlerts{Alert{10, "unexpected_message"},
                             Alert{20, "bad_record_mac"},
                             Alert{22, "record_overflow"},
                             Alert{40, "handshake_failure"},
                             Alert{42, "bad_certificate"},
                             Alert{43, "unsupported_certificate"},
                             Alert{44, "certificate_revoked"},
                             Alert{45, "certificate_expired"},
                             Alert{46, "certificate_unknown"},
                             Alert{47, "illegal_parameter"},
                             Alert{48, "unknown_ca"},
                             Alert{49, "access_denied"},
                             Alert{50, "decode_error"},
                             Alert{51, "decrypt_error"},
                             Alert{70, "protocol_version"},
                             Alert{71, "insufficient_security"},
                             Alert{80, "internal_error"},
                             Alert{90, "user_canceled"},
                             Alert{109, "missing_extension"},
                             Alert{110, "unsupported_extension"},
                             Alert{112, "unrecognized_name"},
                             Alert{116, "certificate_required"},
                             Alert{120, "no_application_protocol"}};

std::string nameOf(std::uint8_t alert) {
  const auto found =
      std::find_if(kAlerts.begin(), kAlerts.end(), [&](const Alert& one) { return one.number == alert; });
  return found == kAlerts.end() ? std::to_string(alert) : std::string(found->name);
}

std::optional<std::uint8_t> alertOf(std::string_view name) {
  const auto found = std::find_if(kAlerts.begin(), kAlerts.end(), [&](const Alert& one) { return one.name == name; });
  if (found != kAlerts.end()) return found->number;
  std::uint8_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number == 0) return std::nullopt;
  return number;
}

}  // namespace

Security Security::ofCode(std::uint16_t code) {
  const unsigned state = code >> 8;
  if (state >= kWords.size()) return {};
  return {static_cast<State>(state), static_cast<std::uint8_t>(code & 0xff)};
}

std::string text(Security security) {
  std::string out(kWords[static_cast<std::size_t>(security.state)]);
  if (security.alert != 0) out += ":" + nameOf(security.alert);
  return out;
}

std::optional<Security> securityOf(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto state = std::find(kWords.begin(), kWords.end(), text.substr(0, colon));
  if (state == kWords.end()) return std::nullopt;
  Security security{static_cast<Security::State>(state - kWords.begin()), 0};
  if (colon == std::string_view::npos) return security;
  const auto alert = alertOf(text.substr(colon + 1));
  if (!alert || security.state != Security::State::HandshakeFailed) return std::nullopt;
  security.alert = *alert;
  return security;
}

}  // namespace loam::relay
