#pragma once

#include <cstdint>
#include <string>

#include "proxy/tls/certificate.h"
#include "proxy/tls/key_pair.h"

namespace loam::identity {

enum class CertificateKind : std::uint8_t { Root, Intermediate, Leaf };

/// What a certificate of this authority says. Root: may have one intermediate below. Intermediate: leaves alone, and
/// only of its trust domain. Leaf: both ends of a TLS connection, under one SPIFFE id.
struct CertificateDraft {
  CertificateKind kind = CertificateKind::Leaf;
  std::string commonName;      ///< for people; nothing goes by it
  std::string name;            ///< of a leaf the SPIFFE id, of an intermediate the trust domain
  std::int64_t notBefore = 0;  ///< unix seconds
  std::int64_t notAfter = 0;
  EVP_PKEY* key = nullptr;  ///< whose certificate it is; borrowed
};

/// Signs it with a serial of 127 random bits. `issuer`: null for a root, which signs itself.
Result<tls::Certificate> sign(const CertificateDraft& draft, const tls::Certificate* issuer,
                              const tls::KeyPair& issuerKey);

}  // namespace loam::identity
