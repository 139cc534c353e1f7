#include "rollout/identity/certificate_draft.h"

#include <openssl/rand.h>

#include <array>

#include "proxy/tls/openssl.h"

namespace loam::identity {

namespace {

using tls::Freed;

constexpr std::size_t kLongestCommonName = 64;  // X.520 ub-common-name

bool setSerial(X509* certificate) {
  std::array<std::uint8_t, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);  // positive, and always as long
  const tls::NumberPtr number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool addName(X509_NAME* subject, int nid, std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  return X509_NAME_add_entry_by_NID(subject, nid, MBSTRING_UTF8, bytes, static_cast<int>(text.size()), -1, 0) == 1;
}

bool addExtension(X509* certificate, X509V3_CTX& context, int nid, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// Built by hand: in OpenSSL's text form a name with a comma would become two.
bool addUri(X509* certificate, const std::string& uri) {
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(sk_GENERAL_NAME_new_null());
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
  if (!names || name == nullptr || text == nullptr) return false;
  ASN1_STRING_set(text, uri.data(), static_cast<int>(uri.size()));
  GENERAL_NAME_set0_value(name, GEN_URI, text);
  sk_GENERAL_NAME_push(names.get(), name);
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

bool addExtensions(X509* certificate, X509* issuer, const CertificateDraft& draft) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const auto add = [&](int nid, const std::string& value) { return addExtension(certificate, context, nid, value); };
  if (!add(NID_subject_key_identifier, "hash")) return false;
  switch (draft.kind) {
    case CertificateKind::Root:
      return add(NID_basic_constraints, "critical,CA:TRUE,pathlen:1") &&
             add(NID_key_usage, "critical,keyCertSign,cRLSign");
    case CertificateKind::Intermediate:
      return add(NID_authority_key_identifier, "keyid:always") &&
             add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
             add(NID_key_usage, "critical,keyCertSign,cRLSign") &&
             add(NID_name_constraints, "critical,permitted;URI:" + draft.name);
    case CertificateKind::Leaf:
      break;
  }
  return add(NID_authority_key_identifier, "keyid:always") && add(NID_basic_constraints, "critical,CA:FALSE") &&
         add(NID_key_usage, "critical,digitalSignature") && add(NID_ext_key_usage, "clientAuth,serverAuth") &&
         addUri(certificate, draft.name);
}

}  // namespace

Result<tls::Certificate> sign(const CertificateDraft& draft, const tls::Certificate* issuer,
                              const tls::KeyPair& issuerKey) {
  ERR_clear_error();
  auto certificate = tls::Certificate::own(X509_new());
  X509* const made = certificate.get();
  X509* const above = issuer == nullptr ? made : issuer->get();
  X509_NAME* const subject = X509_get_subject_name(made);
  const bool done =
      X509_set_version(made, X509_VERSION_3) == 1 && setSerial(made) &&
      addName(subject, NID_organizationName, "Loam") &&
      addName(subject, NID_commonName, std::string_view(draft.commonName).substr(0, kLongestCommonName)) &&
      X509_set_issuer_name(made, X509_get_subject_name(above)) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(made), draft.notBefore) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(made), draft.notAfter) != nullptr && X509_set_pubkey(made, draft.key) == 1 &&
      addExtensions(made, above, draft) && X509_sign(made, issuerKey.get(), tls::digestFor(issuerKey.get())) > 0;
  if (!done) return fail(tls::libraryError(ErrorCode::Io, "signing the certificate of " + draft.commonName));
  return certificate;
}

}  // namespace loam::identity
