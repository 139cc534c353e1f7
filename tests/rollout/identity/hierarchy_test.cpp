#include "rollout/identity/hierarchy.h"

#include "proxy/base/json.h"
#include "rollout/identity/key_vault.h"
#include "tests/rollout/identity/temporary_directory.h"
#include "tests/support/certificates.h"
#include "tests/support/fake_clock.h"

namespace loam::identity {
namespace {

using loam::test::CertificateSpec;
using loam::test::makeParty;
using loam::test::Party;
using loam::test::pemOf;

class HierarchyTest : public testing::Test {
 protected:
  const SystemClock clock;
};

TEST_F(HierarchyTest, ANewOneLivesTenYearsAndOne) {
  const auto made = makeHierarchy("loam", clock.wall());
  ASSERT_TRUE(made) << made.error().describe();
  constexpr std::int64_t kYear = 365 * 86'400;
  EXPECT_EQ(made->root.notAfter() - made->root.notBefore(), 10 * kYear);
  EXPECT_EQ(made->intermediate.notAfter() - made->intermediate.notBefore(), kYear);
  EXPECT_EQ(made->root.notBefore(), made->intermediate.notBefore());
  EXPECT_EQ(made->id(), made->root.fingerprint());
  EXPECT_FALSE(makeHierarchy("", clock.wall()));
  EXPECT_FALSE(makeHierarchy("loam;permitted", clock.wall()));
  EXPECT_FALSE(makeHierarchy(".loam", clock.wall()));
}

TEST_F(HierarchyTest, AnIntermediateIsRenewedBelowTheSameRoot) {
  const auto made = makeHierarchy("loam", clock.wall());
  const Wall later = clock.wall() + std::chrono::hours(200 * 24);
  const auto renewed = renewIntermediate(*made, "loam", later);
  ASSERT_TRUE(renewed) << renewed.error().describe();
  EXPECT_EQ(renewed->id(), made->id());
  EXPECT_NE(renewed->intermediate.fingerprint(), made->intermediate.fingerprint());
  EXPECT_GT(renewed->intermediate.notAfter(), made->intermediate.notAfter());
  EXPECT_EQ(EVP_PKEY_eq(renewed->intermediateKey.get(), made->intermediateKey.get()), 0);
  const auto last = renewIntermediate(*made, "loam", clock.wall() + kRootLife - std::chrono::hours(24));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->intermediate.notAfter(), made->root.notAfter()) << "never longer than its root";

  Hierarchy offline = *made;
  offline.rootKey.reset();
  const auto refused = renewIntermediate(offline, "loam", later);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::NotFound);
}

TEST_F(HierarchyTest, AnAuthorityOfOnesOwnIsCheckedBeforeItIsTaken) {
  const Party root = loam::test::makeRoot("company root");
  const CertificateSpec spec{.commonName = "company issuing", .names = "", .usage = "", .authority = true};
  const Party issuing = makeParty(spec, &root);
  const auto adopted =
      adoptHierarchy(issuing.certificate.toPem(), root.certificate.toPem(), pemOf(issuing.key), clock.wall());
  ASSERT_TRUE(adopted) << adopted.error().describe();
  EXPECT_FALSE(adopted->rootKey);
  EXPECT_EQ(adopted->id(), root.certificate.fingerprint());

  const auto problemsOf = [&](const Party& intermediate, const Party& above, const loam::test::SharedKey& key) {
    const auto refused =
        adoptHierarchy(intermediate.certificate.toPem(), above.certificate.toPem(), pemOf(key), clock.wall());
    EXPECT_FALSE(refused);
    return refused ? std::string() : refused.error().context;
  };
  const Party stranger = loam::test::makeRoot("another root");
  auto expired = spec;
  expired.from = -7200;
  expired.to = -3600;
  auto leaf = spec;
  leaf.authority = false;
  EXPECT_NE(problemsOf(issuing, stranger, issuing.key).find("does not lead to the root"), std::string::npos);
  EXPECT_NE(problemsOf(makeParty(expired, &root), root, issuing.key).find("has expired"), std::string::npos);
  const std::string all = problemsOf(makeParty(leaf, &root), stranger, loam::test::rsa(1024));
  for (const char* problem : {"may not sign", "not the intermediate's", "1024 bits", "does not lead to the root"}) {
    EXPECT_NE(all.find(problem), std::string::npos) << problem << " is missing in: " << all;
  }
  const auto nothing = adoptHierarchy("", "", "", clock.wall());
  ASSERT_FALSE(nothing);
  for (const char* part : {"the intermediate: ", "the root: ", "the intermediate's key: "}) {
    EXPECT_NE(nothing.error().context.find(part), std::string::npos) << nothing.error().context;
  }
}

TEST_F(HierarchyTest, D11_ItsDocumentHoldsNoKeyAndFindsThemInTheVault) {
  const test::TemporaryDirectory directory;
  const KeyVault vault(directory.path(), SealingSecret("correct horse battery"), SealingCost{.n = 16});
  const auto made = makeHierarchy("loam", clock.wall());
  const std::string body = writeJson(toJson(*made));
  EXPECT_EQ(body.find("PRIVATE"), std::string::npos);
  EXPECT_EQ(hierarchyFromJson(*parseJson(body), vault).error().code, ErrorCode::NotFound);
  ASSERT_TRUE(storeKeys(*made, vault));
  const auto again = hierarchyFromJson(*parseJson(body), vault);
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_EQ(again->id(), made->id());
  EXPECT_EQ(EVP_PKEY_eq(again->intermediateKey.get(), made->intermediateKey.get()), 1);
  ASSERT_TRUE(again->rootKey);
  EXPECT_EQ(EVP_PKEY_eq(again->rootKey->get(), made->rootKey->get()), 1);
  ASSERT_TRUE(vault.remove(made->id()));
  EXPECT_FALSE(hierarchyFromJson(*parseJson(body), vault)->rootKey) << "a root may be kept elsewhere";
}

}  // namespace
}  // namespace loam::identity
