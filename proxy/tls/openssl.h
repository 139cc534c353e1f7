#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "proxy/base/error.h"

namespace loam::tls {

/// Gives an object of OpenSSL back.
template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freed<BN_free>>;

/// OpenSSL's word for what failed last on this thread, of which its queue is then empty; never quotes input.
std::string takeReason();
/// Empties that queue, at little cost when it is empty already.
inline void forgetReasons() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}
/// "WHAT: its word".
Error libraryError(ErrorCode code, std::string_view what);

/// Reads from `text`, which outlives it.
BioPtr readingFrom(std::string_view text);
BioPtr writingToMemory();
/// What was written to it.
std::string contentOf(const BioPtr& memory);

/// A PEM text is never asked of a terminal for its passphrase.
int refusePassphrase(char* buffer, int size, int writing, void* unused);
/// What `key` signs with: SHA-256, nothing where the algorithm has its own (Ed25519).
const EVP_MD* digestFor(const EVP_PKEY* key);

/// Lower-case hex.
std::string hexOf(std::span<const std::uint8_t> bytes);

}  // namespace loam::tls
