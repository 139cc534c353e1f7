#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/base/result.h"
#include "proxy/tls/library.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace loam::tls {

/// A private key with its public half; ECDSA P-256 where Loam makes it. Any thread.
class KeyPair {
 public:
  static Result<KeyPair> generate();
  /// PKCS#8, unencrypted, as an object of `library`; null: of the one that all share. The error never quotes the text.
  static Result<KeyPair> fromPem(std::string_view pem, const Library* library = nullptr);
  std::string toPem() const;

  EVP_PKEY* get() const { return key_.get(); }

 private:
  explicit KeyPair(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}
  std::shared_ptr<EVP_PKEY> key_;
};

/// PKCS#10 request for the key, with the subject CN=`name` and no extension: what the certificate says is the
/// authority's to decide.
Result<std::string> signingRequest(const KeyPair& key, std::string_view name);

}  // namespace loam::tls
