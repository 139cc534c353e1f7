#include "proxy/tls/key_pair.h"

#include <openssl/pem.h>

#include "proxy/tls/openssl.h"

namespace loam::tls {

Result<KeyPair> KeyPair::generate() {
  std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  if (!key) return fail(libraryError(ErrorCode::Unsupported, "making a key"));
  return KeyPair(std::move(key));
}

Result<KeyPair> KeyPair::fromPem(std::string_view pem, const Library* library) {
  ERR_clear_error();
  const BioPtr text = readingFrom(pem);
  OSSL_LIB_CTX* const context = library == nullptr ? nullptr : library->get();
  std::shared_ptr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey_ex(text.get(), nullptr, refusePassphrase, nullptr, context, nullptr), EVP_PKEY_free);
  if (!key) return fail(libraryError(ErrorCode::InvalidArgument, "reading a private key"));
  return KeyPair(std::move(key));
}

std::string KeyPair::toPem() const {
  const BioPtr text = writingToMemory();
  PEM_write_bio_PKCS8PrivateKey(text.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return contentOf(text);
}

Result<std::string> signingRequest(const KeyPair& key, std::string_view name) {
  ERR_clear_error();
  const RequestPtr request(X509_REQ_new());
  X509_NAME* const subject = X509_REQ_get_subject_name(request.get());
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  const BioPtr text = writingToMemory();
  const bool made = X509_REQ_set_version(request.get(), 0) == 1 &&
                    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, bytes,
                                               static_cast<int>(name.size()), -1, 0) == 1 &&
                    X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
                    X509_REQ_sign(request.get(), key.get(), digestFor(key.get())) > 0 &&
                    PEM_write_bio_X509_REQ(text.get(), request.get()) == 1;
  if (!made) {
    return fail(libraryError(ErrorCode::InvalidArgument, "asking for a certificate for \"" + std::string(name) + "\""));
  }
  return contentOf(text);
}

}  // namespace loam::tls
