#pragma once

#include <cstdint>
#include <vector>

#include "proxy/filters/form.h"

namespace loam::filters {

/// Mutual TLS between the proxies of two services.
struct MtlsSettings {
  /// What a caller at `prefer` does when the handshake fails. At `strict` nothing falls back.
  enum class Fallback : std::uint8_t { Allow, Deny };
  /// What happens when a certificate ran out because no controller renewed it (DESIGN 8).
  enum class AtExpiry : std::uint8_t { Closed, Plaintext };

  Fallback fallback = Fallback::Allow;                  ///< counted and shown with its reason (rollout.md 3.2)
  std::uint32_t fallbackAfter = 5;                      ///< failed handshakes in 10 s with one peer (rollout.md 3.2)
  milliseconds handshakeTimeout = seconds(5);           ///< Envoy's and Consul's time to connect, TLS included
  milliseconds plaintextWindow = std::chrono::days(8);  ///< so long without plaintext, before strict (rollout.md 3.2)
  AtExpiry atExpiry = AtExpiry::Closed;                 ///< a strict service stays so
  std::vector<std::uint16_t> ports;                     ///< of the service; empty: all

  void describe(Form& form);
};

}  // namespace loam::filters
