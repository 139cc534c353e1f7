#include "rollout/identity/signing_request.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include <array>
#include <vector>

#include "proxy/tls/openssl.h"

namespace loam::identity {

namespace {

using tls::Freed;
using Extensions = std::unique_ptr<STACK_OF(X509_EXTENSION), decltype([](STACK_OF(X509_EXTENSION) * all) {
                                     sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
                                   })>;
using Constraints = std::unique_ptr<BASIC_CONSTRAINTS, Freed<BASIC_CONSTRAINTS_free>>;

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;  // its signature takes a millisecond to check, not a second

/// Whether it asks to become an authority, also in a way that cannot be read.
bool asksForAuthority(X509_REQ* request) {
  const Extensions extensions(X509_REQ_get_extensions(request));
  for (int i = 0; i < sk_X509_EXTENSION_num(extensions.get()); ++i) {
    X509_EXTENSION* const extension = sk_X509_EXTENSION_value(extensions.get(), i);
    if (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_basic_constraints) continue;
    const Constraints constraints(static_cast<BASIC_CONSTRAINTS*>(X509V3_EXT_d2i(extension)));
    if (!constraints || constraints->ca != 0) return true;
  }
  return false;
}

bool isNamedP256(const EVP_PKEY* key) {
  std::array<char, 64> text{};
  std::size_t length = 0;
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, text.data(), text.size(), &length) != 1 ||
      std::string_view(text.data(), length) != OSSL_PKEY_EC_ENCODING_GROUP) {
    return false;
  }
  return EVP_PKEY_get_group_name(key, text.data(), text.size(), &length) == 1 &&
         std::string_view(text.data(), length) == "prime256v1";
}

std::string joined(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text.append(text.empty() ? "" : "; ").append(problem);
  return text;
}

}  // namespace

std::string whyWeak(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return {};
  if (EVP_PKEY_is_a(key, "EC") == 1) return isNamedP256(key) ? std::string() : "the key's curve is not P-256";
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    const int bits = EVP_PKEY_get_bits(key);
    if (bits >= kLeastRsaBits && bits <= kMostRsaBits) return {};
    return "the RSA key has " + std::to_string(bits) + " bits, expected 2048 to 8192";
  }
  return "the key is neither ECDSA P-256 nor Ed25519 nor RSA";
}

Result<ProvenKey> ProvenKey::fromRequest(std::string_view pem) {
  const auto refused = [](const std::string& why) {
    return fail(ErrorCode::InvalidArgument, "certificate request: " + why);
  };
  if (pem.size() > kMostRequestBytes) {
    return refused("it has " + std::to_string(pem.size()) + " bytes, at most " + std::to_string(kMostRequestBytes));
  }
  ERR_clear_error();
  const tls::BioPtr text = tls::readingFrom(pem);
  const tls::RequestPtr request(PEM_read_bio_X509_REQ(text.get(), nullptr, tls::refusePassphrase, nullptr));
  if (!request) return refused("it cannot be read: " + tls::takeReason());
  std::shared_ptr<EVP_PKEY> key(X509_REQ_get_pubkey(request.get()), EVP_PKEY_free);
  if (!key) return refused("its key cannot be read: " + tls::takeReason());
  std::vector<std::string> problems;
  std::string weak = whyWeak(key.get());
  // A key out of bounds is not worth the work of checking its signature.
  if (weak.empty() && X509_REQ_verify(request.get(), key.get()) != 1) {
    problems.emplace_back("its signature was not made with its key");
  }
  if (!weak.empty()) problems.push_back(std::move(weak));
  if (asksForAuthority(request.get())) problems.emplace_back("it asks to become an authority (CA:TRUE)");
  ERR_clear_error();
  if (!problems.empty()) return refused(joined(problems));
  return ProvenKey(std::move(key));
}

}  // namespace loam::identity
