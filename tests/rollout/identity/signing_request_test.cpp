#include "rollout/identity/signing_request.h"

#include "tests/rollout/identity/request_maker.h"

namespace loam::identity {
namespace {

using loam::test::ed25519;
using loam::test::rsa;
using loam::test::SharedKey;
using test::makeRequest;

SharedKey curve(const char* name) { return {EVP_EC_gen(name), EVP_PKEY_free}; }

TEST(SigningRequestTest, TakesTheKeyAndNothingElse) {
  for (const SharedKey& key : {loam::test::p256(), ed25519(), rsa(2048)}) {
    const auto proven = ProvenKey::fromRequest(makeRequest({.key = key}));
    ASSERT_TRUE(proven) << proven.error().describe();
    EXPECT_EQ(EVP_PKEY_eq(proven->get(), key.get()), 1);
  }
}

struct BadRequest {
  const char* what;
  std::string pem;
  const char* reason;
};

TEST(SigningRequestTest, D9_BadRequestsAreRefusedWithTheReason) {
  const std::string good = makeRequest({});
  std::string torn = good;
  torn.resize(torn.size() / 2);
  const std::vector<BadRequest> all = {
      {"CA:TRUE", makeRequest({.extensions = {{NID_basic_constraints, "critical,CA:TRUE"}}}), "CA:TRUE"},
      {"giant", makeRequest({.extensions = {{NID_subject_alt_name, "DNS:" + std::string(20'000, 'a')}}}),
       "at most 16384"},
      {"RSA-1024", makeRequest({.key = rsa(1024)}), "RSA key has 1024 bits"},
      {"P-384", makeRequest({.key = curve("P-384")}), "not P-256"},
      {"secp256k1", makeRequest({.key = curve("secp256k1")}), "not P-256"},
      {"other's key", makeRequest({.signer = loam::test::p256()}), "not made with its key"},
      {"torn", torn, "cannot be read"},
      {"empty", "", "cannot be read"},
      {"a certificate", loam::test::makeRoot().certificate.toPem(), "cannot be read"},
  };
  for (const BadRequest& bad : all) {
    const auto refused = ProvenKey::fromRequest(bad.pem);
    ASSERT_FALSE(refused) << bad.what;
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument) << bad.what;
    EXPECT_NE(refused.error().context.find(bad.reason), std::string::npos)
        << bad.what << ": " << refused.error().context;
  }
  EXPECT_TRUE(ProvenKey::fromRequest(good));
}

TEST(SigningRequestTest, D9_AllProblemsAreToldAtOnce) {
  const auto refused = ProvenKey::fromRequest(
      makeRequest({.extensions = {{NID_basic_constraints, "CA:TRUE,pathlen:3"}}, .signer = loam::test::p256()}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().context,
            "certificate request: its signature was not made with its key; it asks to become an authority (CA:TRUE)");
}

TEST(SigningRequestTest, D9_NoFlippedByteOfASignedRequestIsAccepted) {
  const std::string pem = makeRequest({});
  const tls::BioPtr text = tls::readingFrom(pem);
  const tls::RequestPtr request(PEM_read_bio_X509_REQ(text.get(), nullptr, tls::refusePassphrase, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  std::size_t refused = 0;
  for (int at = 0; at < size; ++at) {
    std::vector<unsigned char> flipped(der, der + size);
    flipped[static_cast<std::size_t>(at)] ^= 0x01;
    const tls::BioPtr out = tls::writingToMemory();
    PEM_write_bio(out.get(), PEM_STRING_X509_REQ, "", flipped.data(), size);
    if (!ProvenKey::fromRequest(tls::contentOf(out))) ++refused;
  }
  OPENSSL_free(der);
  EXPECT_EQ(refused, static_cast<std::size_t>(size));
}

}  // namespace
}  // namespace loam::identity
