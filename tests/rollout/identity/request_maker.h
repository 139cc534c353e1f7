#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/tls/openssl.h"
#include "tests/support/certificates.h"

namespace loam::identity::test {

/// A PKCS#10 request as somebody might send it.
struct RequestSpec {
  loam::test::SharedKey key = loam::test::p256();
  std::vector<std::pair<int, std::string>> extensions{};  ///< in OpenSSL's form
  loam::test::SharedKey signer{};                         ///< instead of `key`
  std::string name = "root of all";
};

inline std::string makeRequest(const RequestSpec& spec) {
  const tls::RequestPtr request(X509_REQ_new());
  X509_REQ_set_version(request.get(), 0);
  const auto* name = reinterpret_cast<const unsigned char*>(spec.name.c_str());
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_ASC, name, -1, -1, 0);
  X509_REQ_set_pubkey(request.get(), spec.key.get());
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  for (const auto& [nid, value] : spec.extensions) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    EXPECT_NE(extension, nullptr) << value;
    sk_X509_EXTENSION_push(extensions, extension);
  }
  if (!spec.extensions.empty()) X509_REQ_add_extensions(request.get(), extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  const auto& signer = spec.signer ? spec.signer : spec.key;
  EXPECT_GT(X509_REQ_sign(request.get(), signer.get(), tls::digestFor(signer.get())), 0);
  const tls::BioPtr text = tls::writingToMemory();
  PEM_write_bio_X509_REQ(text.get(), request.get());
  return tls::contentOf(text);
}

}  // namespace loam::identity::test
