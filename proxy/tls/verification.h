#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "proxy/tls/certificate.h"
#include "proxy/tls/known_peers.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace loam::tls {

/// So much later than our clock says may a certificate begin that is believed: a clock that is behind makes no stranger
/// of who has just renewed (D8). At its end nothing is forgiven.
constexpr std::int64_t kYoungest = 300;  ///< seconds

struct PeerRules {
  /// SHA-256 (lower-case hex) of the one root that is believed, and looked for at the end of the peer's chain; empty:
  /// those of the context's own store.
  std::string pinned{};
  /// Why a leaf whose chain is good was revoked; nothing, also where it is empty: it was not.
  std::function<std::optional<std::string>(const Certificate& leaf)> whyRevoked{};
};

/// Judges the peers of one context, and remembers those that it found good.
struct PeerJudge {
  const PeerRules rules;
  KnownPeers known{};
};

/// Who connections of `context` believe. Beyond what OpenSSL verifies, a leaf must have the extended key usage of its
/// side, must not be an authority (D1) and not be revoked, which the peer is told by an alert of its own. `judge`
/// outlives the context.
void verifyPeers(SSL_CTX* context, PeerJudge& judge);

}  // namespace loam::tls
