#pragma once

#include <string_view>

#include "proxy/base/result.h"
#include "proxy/tls/key_pair.h"

namespace loam::identity {

constexpr std::size_t kMostRequestBytes = 16 * 1024;

/// A public key whose owner proved to have the private half.
class ProvenKey {
 public:
  /// Of a PKCS#10 request in PEM. Its subject and its alternative names are not looked at: what a certificate says is
  /// the authority's to decide. InvalidArgument says all that is wrong: too long, no request, a signature that its own
  /// key did not make, a key other than ECDSA P-256, Ed25519 or RSA of 2048 to 8192 bits, a request to become an
  /// authority (D9).
  static Result<ProvenKey> fromRequest(std::string_view pem);

  EVP_PKEY* get() const { return key_.get(); }

 private:
  explicit ProvenKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}
  std::shared_ptr<EVP_PKEY> key_;
};

/// Why `key` is none that Loam signs or signs with; empty when it is.
std::string whyWeak(const EVP_PKEY* key);

}  // namespace loam::identity
