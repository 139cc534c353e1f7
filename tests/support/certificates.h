#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <string>

#include "proxy/tls/certificate.h"
#include "proxy/tls/openssl.h"

namespace loam::test {

using SharedKey = std::shared_ptr<EVP_PKEY>;

inline SharedKey p256() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }
inline SharedKey rsa(unsigned bits) { return {EVP_RSA_gen(bits), EVP_PKEY_free}; }
inline SharedKey ed25519() { return {EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free}; }

inline std::string pemOf(const SharedKey& key) {
  const tls::BioPtr text = tls::writingToMemory();
  PEM_write_bio_PKCS8PrivateKey(text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return tls::contentOf(text);
}

/// A certificate as a test wants it; a good leaf unless told otherwise.
struct CertificateSpec {
  std::string commonName = "node-a";
  std::string names = "URI:spiffe://loam/proxy/node-a";  ///< in OpenSSL's form; empty: no alternative names
  std::string usage = "clientAuth,serverAuth";           ///< empty: no extended key usage
  bool authority = false;
  std::time_t from = -60;  ///< seconds from now
  std::time_t to = 3600;
  const EVP_MD* digest = EVP_sha256();
  SharedKey key = p256();
};

/// Somebody with a certificate.
struct Party {
  tls::Certificate certificate;
  SharedKey key;

  tls::Credentials credentials() const { return {{certificate}, pemOf(key)}; }
};

/// `issuer`: null for one that signs itself.
inline Party makeParty(const CertificateSpec& spec, const Party* issuer = nullptr) {
  X509* const made = X509_new();
  auto certificate = tls::Certificate::own(made);
  X509* const above = issuer == nullptr ? made : issuer->certificate.get();
  X509_set_version(made, X509_VERSION_3);
  static long serial = 1000;
  ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
  const std::time_t now = std::time(nullptr);
  ASN1_TIME_set(X509_getm_notBefore(made), now + spec.from);
  ASN1_TIME_set(X509_getm_notAfter(made), now + spec.to);
  const auto* name = reinterpret_cast<const unsigned char*>(spec.commonName.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC, name, -1, -1, 0);
  X509_set_issuer_name(made, X509_get_subject_name(above));
  X509_set_pubkey(made, spec.key.get());
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, above, made, nullptr, nullptr, 0);
  const auto add = [&](int nid, const std::string& value) {
    if (value.empty()) return;
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    EXPECT_NE(extension, nullptr) << value;
    X509_add_ext(made, extension, -1);
    X509_EXTENSION_free(extension);
  };
  add(NID_basic_constraints, spec.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add(NID_subject_key_identifier, "hash");
  add(NID_subject_alt_name, spec.names);
  add(NID_ext_key_usage, spec.usage);
  EXPECT_GT(X509_sign(made, issuer == nullptr ? spec.key.get() : issuer->key.get(), spec.digest), 0);
  return {certificate, spec.key};
}

inline Party makeRoot(const std::string& name = "test root") {
  return makeParty({.commonName = name, .names = "", .usage = "", .authority = true});
}

}  // namespace loam::test
