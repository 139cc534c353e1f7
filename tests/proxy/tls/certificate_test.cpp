#include "proxy/tls/certificate.h"

#include <gtest/gtest.h>

#include <ctime>

#include "proxy/tls/key_pair.h"
#include "tests/support/certificates.h"

namespace loam::tls {
namespace {

using loam::test::makeParty;
using loam::test::makeRoot;

TEST(CertificateTest, ReadsBackWhatItWrote) {
  const auto root = makeRoot();
  const auto leaf = makeParty({.commonName = "shop"}, &root);
  const auto all = certificatesFromPem(toPem({leaf.certificate, root.certificate}));
  ASSERT_TRUE(all) << all.error().describe();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->front().fingerprint(), leaf.certificate.fingerprint());
  EXPECT_EQ(all->back().toPem(), root.certificate.toPem());
  EXPECT_EQ(all->front().subject(), "CN=shop");
  EXPECT_EQ(all->front().fingerprint().size(), 64u);
  EXPECT_NEAR(static_cast<double>(all->front().notBefore()), static_cast<double>(std::time(nullptr) - 60), 5);
  EXPECT_EQ(all->front().notAfter() - all->front().notBefore(), 3660);
}

TEST(CertificateTest, SerialsAreLowerCaseHexWithAllTheirDigits) {
  auto party = makeParty({});
  ASN1_INTEGER_set(X509_get_serialNumber(party.certificate.get()), 0x0abc);
  EXPECT_EQ(party.certificate.serial(), "0abc");
}

TEST(CertificateTest, ASpiffeIdIsTheOnlyUri) {
  const auto idOf = [](const char* names) { return makeParty({.names = names}).certificate.spiffeId(); };
  EXPECT_EQ(idOf("URI:spiffe://loam/proxy/node-a"), "spiffe://loam/proxy/node-a");
  EXPECT_EQ(idOf("URI:spiffe://loam/proxy/node-a,DNS:node-a"), "spiffe://loam/proxy/node-a");
  EXPECT_EQ(idOf("URI:spiffe://loam/proxy/a,URI:spiffe://loam/proxy/b"), "");
  EXPECT_EQ(idOf("URI:https://loam/proxy/a"), "");
  EXPECT_EQ(idOf("DNS:spiffe"), "");
  EXPECT_EQ(idOf(""), "");
  EXPECT_EQ(makeParty({.names = "URI:spiffe://loam/proxy/a,URI:http://b"}).certificate.uris().size(), 2u);
}

TEST(CertificateTest, WhatIsNoCertificateIsNamedByItsPlace) {
  const std::string good = makeRoot().certificate.toPem();
  EXPECT_FALSE(certificatesFromPem(""));
  EXPECT_FALSE(certificatesFromPem("-----BEGIN NOTHING-----\n"));
  EXPECT_FALSE(Certificate::fromPem(good + good));
  std::string broken = good;
  broken[broken.size() / 2] = '!';
  const auto second = certificatesFromPem(good + broken);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::InvalidArgument);
  EXPECT_NE(second.error().context.find("certificate 2"), std::string::npos) << second.error().context;
}

TEST(KeyPairTest, SurvivesPemAndNeverQuotesIt) {
  const auto key = KeyPair::generate();
  ASSERT_TRUE(key);
  const std::string pem = key->toPem();
  const auto again = KeyPair::fromPem(pem);
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_EQ(EVP_PKEY_eq(key->get(), again->get()), 1);
  std::string broken = pem;
  broken[40] = '!';
  const auto refused = KeyPair::fromPem(broken);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().context.find(pem.substr(45, 8)), std::string::npos);
}

TEST(KeyPairTest, AnEncryptedKeyIsRefusedWithoutAskingATerminal) {
  const auto key = KeyPair::generate();
  const BioPtr text = writingToMemory();
  PEM_write_bio_PKCS8PrivateKey(text.get(), key->get(), EVP_aes_256_cbc(), "secret", 6, nullptr, nullptr);
  EXPECT_FALSE(KeyPair::fromPem(contentOf(text)));
}

TEST(KeyPairTest, ARequestNamesItsSubjectAndNothingElse) {
  for (const auto& key : {loam::test::p256(), loam::test::ed25519(), loam::test::rsa(2048)}) {
    const auto pair = KeyPair::fromPem(loam::test::pemOf(key));
    ASSERT_TRUE(pair) << pair.error().describe();
    const auto pem = signingRequest(*pair, "node-a");
    ASSERT_TRUE(pem) << pem.error().describe();
    const BioPtr text = readingFrom(*pem);
    const RequestPtr request(PEM_read_bio_X509_REQ(text.get(), nullptr, refusePassphrase, nullptr));
    ASSERT_TRUE(request);
    EXPECT_EQ(X509_REQ_verify(request.get(), key.get()), 1);
    EXPECT_EQ(X509_REQ_get_attr_count(request.get()), 0);
  }
  EXPECT_FALSE(signingRequest(*KeyPair::generate(), std::string(65, 'n')));
}

}  // namespace
}  // namespace loam::tls
