#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/result.h"
#include "proxy/tls/library.h"

typedef struct x509_st X509;

namespace loam::tls {

/// One X.509 certificate. Any thread.
class Certificate {
 public:
  /// Exactly one, as PEM.
  static Result<Certificate> fromPem(std::string_view pem);
  /// Takes one of OpenSSL's, which must not be null.
  static Certificate own(X509* certificate);
  std::string toPem() const;

  std::string subject() const;            ///< "CN=node-a,O=Loam"
  std::string serial() const;             ///< lower-case hex
  std::vector<std::string> uris() const;  ///< of the subject alternative names
  /// The one URI of an SVID ("spiffe://loam/proxy/node-a"); empty when there is none, or several.
  std::string spiffeId() const;
  std::int64_t notBefore() const;  ///< unix seconds
  std::int64_t notAfter() const;
  std::string fingerprint() const;  ///< SHA-256 of the DER, lower-case hex
  /// Whether `issuer` signed it, under the name that it gives its issuer.
  bool isSignedBy(const Certificate& issuer) const;

  /// The same one as an object of `library`.
  Result<Certificate> in(const Library& library) const;

  X509* get() const { return certificate_.get(); }

 private:
  explicit Certificate(std::shared_ptr<X509> certificate) : certificate_(std::move(certificate)) {}
  std::shared_ptr<X509> certificate_;
};

/// Every certificate of a PEM text, in order; an empty text is an error.
Result<std::vector<Certificate>> certificatesFromPem(std::string_view pem);
std::string toPem(const std::vector<Certificate>& certificates);

/// A certificate with what leads from it to a root, and its key.
struct Credentials {
  std::vector<Certificate> chain;  ///< leaf first; ends in the root only where clients know it by its SHA-256 (D14)
  std::string keyPem;
};

}  // namespace loam::tls
