#include "rollout/identity/authority.h"

#include "proxy/base/json.h"
#include "tests/rollout/identity/request_maker.h"
#include "tests/support/fake_clock.h"

namespace loam::identity {
namespace {

using test::makeRequest;

/// Whether `leaf` is good for `purpose` at `when`, by OpenSSL alone; `below` stands under the intermediate.
std::string verdict(const tls::Certificate& leaf, const Hierarchy& hierarchy, std::int64_t when,
                    int purpose = X509_PURPOSE_SSL_CLIENT, unsigned long flags = 0, X509* below = nullptr) {
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, hierarchy.root.get());
  STACK_OF(X509)* between = sk_X509_new_null();
  sk_X509_push(between, hierarchy.intermediate.get());
  if (below != nullptr) sk_X509_push(between, below);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf.get(), between);
  X509_STORE_CTX_set_purpose(context, purpose);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), when);
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), flags);
  const bool good = X509_verify_cert(context) == 1;
  const std::string text = good ? "good" : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  X509_STORE_CTX_free(context);
  sk_X509_free(between);
  X509_STORE_free(store);
  return text;
}

class AuthorityTest : public testing::Test {
 protected:
  std::int64_t now() const { return unixSeconds(clock.wall()); }
  Authority make(std::chrono::hours life = Authority::kLeafLife) const {
    return {*makeHierarchy("loam", clock.wall()), "loam", clock, life};
  }
  static tls::Certificate leafOf(const Issued& issued) { return tls::certificatesFromPem(issued.chainPem)->front(); }

  const std::string nodeA = spiffeId("loam", "proxy", "node-a");
  loam::test::FakeClock clock;
};

TEST_F(AuthorityTest, IssuesALeafForBothEndsOfAConnection) {
  const Authority authority = make();
  const auto issued = authority.issue(makeRequest({}), nodeA);
  ASSERT_TRUE(issued) << issued.error().describe();
  const auto chain = tls::certificatesFromPem(issued->chainPem);
  ASSERT_EQ(chain->size(), 2u);
  const tls::Certificate& leaf = chain->front();
  EXPECT_EQ(chain->back().fingerprint(), authority.hierarchy().intermediate.fingerprint());
  EXPECT_EQ(leaf.spiffeId(), nodeA);
  EXPECT_EQ(issued->spiffe, nodeA);
  EXPECT_EQ(issued->serial, leaf.serial());
  EXPECT_EQ(issued->serial.size(), 32u);
  EXPECT_EQ(issued->notBefore, now() - 60);
  EXPECT_EQ(issued->notAfter, now() + 7 * 86'400);
  EXPECT_EQ(leaf.notAfter(), issued->notAfter);
  for (const int purpose : {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER}) {
    EXPECT_EQ(verdict(leaf, authority.hierarchy(), now(), purpose, X509_V_FLAG_X509_STRICT), "good");
  }
  EXPECT_NE(authority.issue(makeRequest({}), nodeA)->serial, issued->serial);
}

TEST_F(AuthorityTest, D8_ClocksThatAreBehindAMinuteTakeANewLeaf) {
  const Authority authority = make();
  const auto issued = authority.issue(makeRequest({}), nodeA);
  ASSERT_TRUE(issued);
  EXPECT_EQ(verdict(leafOf(*issued), authority.hierarchy(), now() - 59), "good");
  EXPECT_NE(verdict(leafOf(*issued), authority.hierarchy(), now() - 61), "good");
  EXPECT_NE(verdict(leafOf(*issued), authority.hierarchy(), issued->notAfter + 1), "good");
}

TEST_F(AuthorityTest, D9_WhatARequestWishesForIsIgnored) {
  const Authority authority = make();
  const auto issued = authority.issue(
      makeRequest(
          {.extensions = {{NID_subject_alt_name, "DNS:*.example,DNS:controller,URI:spiffe://loam/controller/main"},
                          {NID_key_usage, "keyCertSign"},
                          {NID_ext_key_usage, "codeSigning"}},
           .name = "main"}),
      nodeA);
  ASSERT_TRUE(issued) << issued.error().describe();
  const tls::Certificate leaf = leafOf(*issued);
  EXPECT_EQ(leaf.uris(), std::vector<std::string>{nodeA});
  EXPECT_EQ(leaf.subject(), "CN=node-a,O=Loam");
  EXPECT_EQ(X509_get_key_usage(leaf.get()), static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE));
  EXPECT_EQ(X509_get_extended_key_usage(leaf.get()), static_cast<std::uint32_t>(XKU_SSL_CLIENT | XKU_SSL_SERVER));
  EXPECT_EQ(X509_check_host(leaf.get(), "controller", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ca(leaf.get()), 0);
}

TEST_F(AuthorityTest, D9_NamesOutsideTheTrustDomainAreRefused) {
  const Authority authority = make();
  for (const char* name :
       {"", "node-a", "spiffe://other/proxy/node-a", "spiffe://loam/proxy/*", "spiffe://loam/proxy/a,DNS:b",
        "spiffe://loam.example/proxy/a", "spiffe://loam/proxy/../controller"}) {
    const auto refused = authority.issue(makeRequest({}), name);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
  }
}

TEST_F(AuthorityTest, TheIntermediateCanVouchForItsTrustDomainAlone) {
  const Authority authority = make();
  const Hierarchy& hierarchy = authority.hierarchy();
  // Somebody who stole the intermediate's key signs whatever he likes; the peers do not believe it.
  const loam::test::Party thief{hierarchy.intermediate, {hierarchy.intermediateKey.get(), [](EVP_PKEY*) {}}};
  const std::time_t skew = now() - std::time(nullptr);
  const loam::test::CertificateSpec spec{.from = skew - 30, .to = skew + 3600};
  auto foreign = spec;
  foreign.names = "URI:spiffe://bank/proxy/node-a";
  auto authorities = spec;
  authorities.authority = true;
  authorities.commonName = "another intermediate";
  EXPECT_EQ(verdict(loam::test::makeParty(foreign, &thief).certificate, hierarchy, now()),
            "permitted subtree violation");
  const auto below = loam::test::makeParty(authorities, &thief);
  EXPECT_EQ(verdict(loam::test::makeParty(spec, &below).certificate, hierarchy, now(), X509_PURPOSE_SSL_CLIENT, 0,
                    below.certificate.get()),
            "path length constraint exceeded");
  EXPECT_EQ(verdict(loam::test::makeParty(spec, &thief).certificate, hierarchy, now()), "good");
}

TEST_F(AuthorityTest, ALeafEndsWithItsIntermediate) {
  const Authority authority = make();
  EXPECT_FALSE(authority.wantsIntermediate());
  clock.advance(std::chrono::hours(183 * 24));
  EXPECT_TRUE(authority.wantsIntermediate());
  clock.advance(std::chrono::hours(180 * 24));
  const auto last = authority.issue(makeRequest({}), nodeA);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->notAfter, authority.hierarchy().intermediate.notAfter());
  clock.advance(std::chrono::hours(3 * 24));
  const auto none = authority.issue(makeRequest({}), nodeA);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::Exhausted);
}

TEST_F(AuthorityTest, WhatWasIssuedIsReadBackAsItWasWritten) {
  const auto issued = make(std::chrono::hours(24)).issue(makeRequest({}), nodeA);
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->notAfter, now() + 86'400);
  const auto again = issuedFromJson(*parseJson(writeJson(toJson(*issued))));
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_EQ(*again, *issued);
  for (const std::string& member : toJson(*issued).getMemberNames()) {
    Json::Value torn = toJson(*issued);
    torn.removeMember(member);
    EXPECT_FALSE(issuedFromJson(torn)) << member;
  }
}

}  // namespace
}  // namespace loam::identity
