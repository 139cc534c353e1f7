#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "proxy/tls/openssl.h"
#include "tests/support/certificates.h"

namespace loam::tls::test {

/// A certificate that no proxy of the mesh may come with (D1).
struct BadCertificate {
  const char* what;
  loam::test::CertificateSpec spec;
  enum class By { Root, RsaRoot, Stranger, Itself } by;
  const char* reason;  ///< that the server finds
  const char* alert;   ///< that the client hears; "closed": none, since the handshake was good
  const char* label;   ///< of the metric that counts it at the port for proxies
};

inline std::vector<BadCertificate> badCertificates() {
  using By = BadCertificate::By;
  return {
      {"expired",
       {.from = -7200, .to = -3600},
       By::Root,
       "certificate has expired",
       "alert certificate expired",
       "certificate_expired"},
      {"not yet valid",
       {.from = 3600, .to = 7200},
       By::Root,
       "not yet valid",
       "alert bad certificate",
       "bad_certificate"},
      {"wrong CA", {}, By::Stranger, "unable to get local issuer certificate", "alert unknown ca", "unknown_ca"},
      {"wrong SAN",
       {.names = "URI:spiffe://other/proxy/node-a"},
       By::Root,
       "not admitted: \"spiffe://other/proxy/node-a\"",
       "closed",
       "not_of_mesh"},
      {"SAN of another kind",
       {.names = "URI:spiffe://loam/controller/main"},
       By::Root,
       "not admitted: \"spiffe://loam/controller/main\"",
       "closed",
       "not_of_mesh"},
      {"two SANs",
       {.names = "URI:spiffe://loam/proxy/node-a,URI:spiffe://loam/proxy/node-b"},
       By::Root,
       "not admitted: \"\"",
       "closed",
       "not_of_mesh"},
      {"no SAN", {.names = ""}, By::Root, "not admitted: \"\"", "closed", "not_of_mesh"},
      {"SAN of the DNS", {.names = "DNS:node-a"}, By::Root, "not admitted: \"\"", "closed", "not_of_mesh"},
      {"no EKU",
       {.usage = ""},
       By::Root,
       "no extended key usage",
       "alert unsupported certificate",
       "unsupported_certificate"},
      {"EKU of servers",
       {.usage = "serverAuth"},
       By::Root,
       "purpose",
       "alert unsupported certificate",
       "unsupported_certificate"},
      {"CA:TRUE",
       {.authority = true},
       By::Root,
       "that of an authority",
       "alert unsupported certificate",
       "unsupported_certificate"},
      {"self-signed", {}, By::Itself, "self-signed certificate", "alert unknown ca", "unknown_ca"},
      {"MD5", {.digest = EVP_md5()}, By::RsaRoot, "too weak", "alert", "bad_certificate"},
      {"SHA-1", {.digest = EVP_sha1()}, By::Root, "too weak", "alert", "bad_certificate"},
      {"RSA-1024", {.key = loam::test::rsa(1024)}, By::Root, "too weak", "alert", "bad_certificate"},
  };
}

/// What a client offers that is too old or too weak (D3).
inline std::vector<std::pair<const char*, std::function<void(SSL_CTX*)>>> weakOffers() {
  const auto upTo = [](int version, const char* suites = "ALL:@SECLEVEL=0") {
    return [version, suites](SSL_CTX* context) {
      SSL_CTX_set_max_proto_version(context, version);
      SSL_CTX_set_cipher_list(context, suites);
    };
  };
  return {
      {"TLS 1.0", upTo(TLS1_VERSION)},
      {"TLS 1.1", upTo(TLS1_1_VERSION)},
      {"TLS 1.2", upTo(TLS1_2_VERSION)},
      {"TLS 1.2 without forward secrecy", upTo(TLS1_2_VERSION, "AES128-SHA:@SECLEVEL=0")},
      {"TLS 1.2 without encryption", upTo(TLS1_2_VERSION, "eNULL:@SECLEVEL=0")},
      {"CCM-8", [](SSL_CTX* context) { SSL_CTX_set_ciphersuites(context, "TLS_AES_128_CCM_8_SHA256"); }},
      {"P-521", [](SSL_CTX* context) { SSL_CTX_set1_groups_list(context, "P-521"); }},
  };
}

}  // namespace loam::tls::test
