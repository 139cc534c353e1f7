#include "proxy/tls/certificate.h"

#include <openssl/pem.h>

#include <array>
#include <ctime>

#include "proxy/tls/openssl.h"

namespace loam::tls {

namespace {

std::int64_t unixTime(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

}  // namespace

Result<Certificate> Certificate::fromPem(std::string_view pem) {
  auto all = certificatesFromPem(pem);
  if (!all) return fail(std::move(all).error());
  if (all->size() != 1) {
    return fail(ErrorCode::InvalidArgument, "expected one certificate, found " + std::to_string(all->size()));
  }
  return std::move(all->front());
}

Certificate Certificate::own(X509* certificate) { return Certificate(std::shared_ptr<X509>(certificate, X509_free)); }

std::string Certificate::toPem() const {
  const BioPtr text = writingToMemory();
  PEM_write_bio_X509(text.get(), get());
  return contentOf(text);
}

std::string Certificate::subject() const {
  const BioPtr text = writingToMemory();
  X509_NAME_print_ex(text.get(), X509_get_subject_name(get()), 0, XN_FLAG_RFC2253);
  return contentOf(text);
}

std::string Certificate::serial() const {
  const NumberPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(get()), nullptr));
  if (!number) return {};
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), bytes.data());
  return hexOf(bytes);
}

std::vector<std::string> Certificate::uris() const {
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(get(), NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                      static_cast<std::size_t>(ASN1_STRING_length(uri)));
  }
  return uris;
}

std::string Certificate::spiffeId() const {
  const std::vector<std::string> all = uris();
  return all.size() == 1 && all.front().starts_with("spiffe://") ? all.front() : std::string();
}

std::int64_t Certificate::notBefore() const { return unixTime(X509_get0_notBefore(get())); }
std::int64_t Certificate::notAfter() const { return unixTime(X509_get0_notAfter(get())); }

std::string Certificate::fingerprint() const {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(get(), EVP_sha256(), digest.data(), &size);
  return hexOf(std::span(digest).first(size));
}

bool Certificate::isSignedBy(const Certificate& issuer) const {
  const bool named = X509_check_issued(issuer.get(), get()) == X509_V_OK;
  const bool its = named && X509_verify(get(), X509_get0_pubkey(issuer.get())) == 1;
  ERR_clear_error();
  return its;
}

Result<Certificate> Certificate::in(const Library& library) const {
  ERR_clear_error();
  unsigned char* der = nullptr;
  const int size = i2d_X509(get(), &der);
  const std::unique_ptr<unsigned char, decltype([](unsigned char* bytes) { OPENSSL_free(bytes); })> bytes(der);
  const unsigned char* from = der;
  X509* into = X509_new_ex(library.get(), nullptr);
  if (size <= 0 || into == nullptr || d2i_X509(&into, &from, size) == nullptr) {
    X509_free(into);
    return fail(libraryError(ErrorCode::Exhausted, "copying the certificate " + subject()));
  }
  return own(into);
}

Result<std::vector<Certificate>> certificatesFromPem(std::string_view pem) {
  ERR_clear_error();
  const BioPtr text = readingFrom(pem);
  std::vector<Certificate> certificates;
  while (X509* one = PEM_read_bio_X509(text.get(), nullptr, refusePassphrase, nullptr)) {
    certificates.push_back(Certificate::own(one));
  }
  const unsigned long code = ERR_peek_last_error();
  const std::string where = "certificate " + std::to_string(certificates.size() + 1);
  if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) {
    return fail(libraryError(ErrorCode::InvalidArgument, "reading " + where));
  }
  ERR_clear_error();
  if (certificates.empty()) return fail(ErrorCode::InvalidArgument, "expected certificates in PEM, found none");
  return certificates;
}

std::string toPem(const std::vector<Certificate>& certificates) {
  std::string text;
  for (const Certificate& certificate : certificates) text.append(certificate.toPem());
  return text;
}

}  // namespace loam::tls
