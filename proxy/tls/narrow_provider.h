#pragma once

typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;
typedef struct ossl_provider_st OSSL_PROVIDER;

namespace loam::tls {

/// Gives `library` all that `whole`, the default provider of another library, can do, less the readers of keys that no
/// certificate of a mesh has. OpenSSL 3.0 goes through all readers anew for every certificate that a peer sends: of
/// those that are left (EC, RSA, Ed25519; PKCS#8 and SubjectPublicKeyInfo) it finds its own in less than half the time.
/// What they make fetches from `whole`'s library, which outlives this one. Null when OpenSSL cannot. To be unloaded
/// before its library is freed. One thread.
OSSL_PROVIDER* loadNarrow(OSSL_LIB_CTX* library, OSSL_PROVIDER* whole);

}  // namespace loam::tls
