#pragma once

#include <string>

typedef struct ssl_ctx_st SSL_CTX;

namespace loam::tls {

/// Who connections of `context` believe. `pinned` is the SHA-256 (lower-case hex) of the one root that is believed, and
/// looked for at the end of the peer's chain; empty: those of the context's own store. Beyond what OpenSSL verifies, a
/// leaf must have the extended key usage of its side and must not be an authority (D1). `pinned` outlives the context.
void verifyPeers(SSL_CTX* context, const std::string& pinned);

}  // namespace loam::tls
