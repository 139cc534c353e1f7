#include "proxy/tls/known_peers.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "tests/proxy/tls/tls_fixture.h"

namespace loam::tls {
namespace {

/// What a peer sends: copies of its own, as every connection brings them.
class Sent {
 public:
  explicit Sent(const std::vector<Certificate>& chain) {
    for (const Certificate& one : chain) sk_X509_push(stack_, X509_dup(one.get()));
  }
  ~Sent() { sk_X509_pop_free(stack_, X509_free); }
  Sent(const Sent&) = delete;
  Sent& operator=(const Sent&) = delete;
  STACK_OF(X509) * get() const { return stack_; }
  X509* leaf() const { return sk_X509_value(stack_, 0); }

 private:
  STACK_OF(X509) * stack_ = sk_X509_new_null();
};

/// The public half of `key` with a private half that is not its own.
loam::test::SharedKey stolenHalf(const loam::test::SharedKey& key) {
  OSSL_PARAM* parts = nullptr;
  EXPECT_EQ(EVP_PKEY_todata(key.get(), EVP_PKEY_KEYPAIR, &parts), 1);
  static_cast<unsigned char*>(OSSL_PARAM_locate(parts, OSSL_PKEY_PARAM_PRIV_KEY)->data)[0] ^= 1;
  EVP_PKEY_CTX* const making = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  EVP_PKEY* made = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(making), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(making, &made, EVP_PKEY_KEYPAIR, parts), 1);
  EVP_PKEY_CTX_free(making);
  OSSL_PARAM_free(parts);
  return {made, EVP_PKEY_free};
}

class KnownPeersTest : public TlsFixture {
 protected:
  const Party intermediate = makeParty({.commonName = "below", .names = "", .usage = "", .authority = true}, &root);
  const Party leaf = makeParty({}, &intermediate);
  const std::vector<Certificate> chain{leaf.certificate, intermediate.certificate};
  const std::vector<Certificate> verified{leaf.certificate, intermediate.certificate, root.certificate};
  const std::int64_t now = std::time(nullptr);
  KnownPeers known;

  void remember() {
    const Sent sent(chain);
    const Sent path(verified);
    known.remember(sent.get(), path.get());
  }
};

TEST_F(KnownPeersTest, WhoSendsTheSameAgainSharesTheLeafThatIsKnown) {
  remember();
  Sent one(chain);
  Sent other(chain);
  X509* const recalled = known.recall(one.get(), now);
  ASSERT_NE(recalled, nullptr);
  EXPECT_EQ(known.recall(other.get(), now), recalled);
  EXPECT_EQ(one.leaf(), recalled);
  EXPECT_EQ(other.leaf(), recalled);
  EXPECT_EQ(sk_X509_num(one.get()), 1) << "what stands above it is let go of";
}

TEST_F(KnownPeersTest, NothingElseIsKnown) {
  remember();
  const Party again = makeParty({.key = leaf.key}, &intermediate);
  const Sent otherLeaf({again.certificate, intermediate.certificate});
  const Sent alone({leaf.certificate});
  Sent forged(chain);
  const ASN1_BIT_STRING* signature = nullptr;
  X509_get0_signature(&signature, nullptr, forged.leaf());
  const_cast<unsigned char*>(ASN1_STRING_get0_data(signature))[8] ^= 1;
  for (const Sent* sent : {&otherLeaf, &alone, const_cast<const Sent*>(&forged)}) {
    X509* const before = sent->leaf();
    EXPECT_EQ(known.recall(sent->get(), now), nullptr);
    EXPECT_EQ(sent->leaf(), before);
  }
}

TEST_F(KnownPeersTest, NobodyIsKnownBeyondTheLifeOfTheWholeChain) {
  const Party brief = makeParty({.commonName = "brief", .names = "", .usage = "", .authority = true, .to = 100}, &root);
  const Party below = makeParty({}, &brief);
  const Sent sent({below.certificate, brief.certificate});
  const Sent path({below.certificate, brief.certificate, root.certificate});
  known.remember(sent.get(), path.get());
  EXPECT_EQ(known.recall(sent.get(), brief.certificate.notAfter() + 1), nullptr);
  EXPECT_EQ(known.recall(sent.get(), brief.certificate.notBefore() - 1), nullptr);
  EXPECT_NE(known.recall(sent.get(), brief.certificate.notAfter()), nullptr);
}

TEST_F(KnownPeersTest, HoldsABoundedNumber) {
  std::vector<Certificate> longer = chain;
  for (std::size_t i = 0; i <= KnownPeers::kMost; ++i) {
    longer.push_back(intermediate.certificate);
    const Sent sent(longer);
    known.remember(sent.get(), sent.get());
    EXPECT_LE(known.size(), KnownPeers::kMost);
  }
  EXPECT_EQ(known.size(), 1u);
}

TEST_F(KnownPeersTest, ConnectionsOfOnePeerShareItsCertificate) {
  const auto serving = serverContext();
  const auto calling = clientContext();
  const Both first = shake(serving, calling);
  const Both second = shake(serving, calling);
  ASSERT_TRUE(first.server && second.server && first.client && second.client);
  EXPECT_EQ((*first.server)->peer()->get(), (*second.server)->peer()->get());
  EXPECT_EQ((*first.client)->peer()->get(), (*second.client)->peer()->get());
}

TEST_F(KnownPeersTest, WhoWasRevokedMeanwhileIsRefusedAlthoughKnown) {
  bool revoked = false;
  const auto serving =
      contextOf(Context::server({.own = server.credentials(),
                                 .roots = {root.certificate},
                                 .whyRevoked = [&revoked](const Certificate&) -> std::optional<std::string> {
                                   return revoked ? std::optional<std::string>("it was revoked") : std::nullopt;
                                 }}));
  ASSERT_TRUE(shake(serving, clientContext()).server);
  revoked = true;
  const Both refused = shake(serving, clientContext());
  ASSERT_FALSE(refused.server);
  EXPECT_EQ(refused.server.error().code, ErrorCode::Denied) << refused.server.error().describe();
}

/// Its chain is known, its key is not had.
TEST_F(KnownPeersTest, ACertificateThatIsKnownProvesNothingWithoutItsKey) {
  const auto serving = serverContext();
  ASSERT_TRUE(shake(serving, clientContext()).server);
  auto [near, far] = ends();
  const Party thief{client.certificate, stolenHalf(client.key)};
  test::RawPeer peer(false, std::move(far), &thief);
  Met met;
  meet(serving, peer, std::move(near), met, [] { return true; });
  ASSERT_FALSE(met.opened);
  EXPECT_NE(met.opened.error().code, ErrorCode::Io) << met.opened.error().describe();
}

}  // namespace
}  // namespace loam::tls
