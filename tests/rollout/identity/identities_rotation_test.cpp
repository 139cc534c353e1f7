#include <fstream>

#include "tests/rollout/identity/identities_fixture.h"

namespace loam::identity {
namespace {

using loam::test::CertificateSpec;
using loam::test::makeParty;
using loam::test::makeRoot;
using loam::test::Party;
using test::by;

class IdentitiesRotationTest : public test::IdentitiesFixture {
 protected:
  Status rotate(RotationStep step, std::vector<Acknowledgement> live = {}) {
    return identities->rotate(step, live, by("ada"));
  }
  /// Who gets a certificate now gets one that these programs believe.
  void expectIssuing() {
    const auto standing = identities->standing();
    const auto chain = *tls::certificatesFromPem(join("node-a", mint())->chain);
    const auto root = *tls::Certificate::fromPem(standing->trust.roots.front());
    EXPECT_EQ(root.fingerprint(), rotation().issuing);
    EXPECT_EQ(X509_verify(chain.back().get(), X509_get0_pubkey(root.get())), 1);
    EXPECT_EQ(standing->own.chain.back().fingerprint(), rotation().issuing);
    EXPECT_EQ(standing->trust.step, rotation().step);
    EXPECT_EQ(standing->trust.roots.size(), rotation().trusted().size());
  }
};

TEST_F(IdentitiesRotationTest, D6_EachStateOutlivesARestart) {
  open();
  const std::string oldRoot = rotation().issuing;
  expectIssuing();
  ASSERT_TRUE(rotate(RotationStep::Begin));
  const std::string newRoot = rotation().other;
  EXPECT_EQ(rotation().state, RotationState::BothTrusted);
  open();
  EXPECT_EQ(rotation().state, RotationState::BothTrusted);
  EXPECT_EQ(rotation().issuing, oldRoot);
  expectIssuing();
  ASSERT_TRUE(rotate(RotationStep::Advance));
  open();
  EXPECT_EQ(rotation().state, RotationState::NewIssues);
  EXPECT_EQ(rotation().issuing, newRoot);
  expectIssuing();
  ASSERT_TRUE(rotate(RotationStep::Advance));
  open();
  EXPECT_EQ(rotation().state, RotationState::Retiring);
  EXPECT_EQ(identities->standing()->trust.roots.size(), 1u);
  expectIssuing();
  EXPECT_EQ(keyFiles(), 4u);
  ASSERT_TRUE(rotate(RotationStep::Advance));
  EXPECT_EQ(keyFiles(), 2u) << "the keys of the retired root are removed";
  open();
  EXPECT_EQ(rotation().state, RotationState::Steady);
  EXPECT_EQ(rotation().issuing, newRoot);
  EXPECT_EQ(identities->records().authorities().size(), 1u);
  expectIssuing();
}

TEST_F(IdentitiesRotationTest, NoStepFollowsBeforeAllLiveAgentsHaveAcknowledged) {
  open();
  ASSERT_TRUE(rotate(RotationStep::Begin, {{"node-a", 1}}));
  const Status early = rotate(RotationStep::Advance, {{"node-a", 2}, {"node-b", 1}});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::Conflict);
  EXPECT_NE(early.error().context.find("node-b"), std::string::npos);
  EXPECT_EQ(rotation().state, RotationState::BothTrusted);
  EXPECT_TRUE(rotate(RotationStep::Advance, {{"node-a", 2}, {"node-b", 2}}));
}

TEST_F(IdentitiesRotationTest, AnAbortTurnsAroundFromEitherState) {
  open();
  const std::string oldRoot = rotation().issuing;
  ASSERT_TRUE(rotate(RotationStep::Begin));
  ASSERT_TRUE(rotate(RotationStep::Abort, {{"node-a", 0}}));
  EXPECT_EQ(rotation().state, RotationState::Retiring);
  EXPECT_EQ(rotation().issuing, oldRoot);
  EXPECT_FALSE(rotate(RotationStep::Abort));
  ASSERT_TRUE(rotate(RotationStep::Advance));
  EXPECT_EQ(keyFiles(), 2u);
  ASSERT_TRUE(rotate(RotationStep::Begin));
  ASSERT_TRUE(rotate(RotationStep::Advance));
  ASSERT_TRUE(rotate(RotationStep::Abort));
  open();
  EXPECT_EQ(rotation().state, RotationState::NewIssues);
  EXPECT_EQ(rotation().issuing, oldRoot) << "the first root issues again";
  expectIssuing();
  ASSERT_TRUE(rotate(RotationStep::Advance));
  ASSERT_TRUE(rotate(RotationStep::Advance));
  EXPECT_EQ(rotation().issuing, oldRoot);
  EXPECT_EQ(rotation().state, RotationState::Steady);
}

TEST_F(IdentitiesRotationTest, AStepThatTheLedgerDoesNotTakeIsNotTaken) {
  open();
  const auto before = identities->standing();
  ledger.failWith(Error{ErrorCode::Exhausted, "disk full"});
  EXPECT_FALSE(rotate(RotationStep::Begin));
  EXPECT_EQ(identities->standing(), before);
  ledger.failWith(std::nullopt);
  EXPECT_TRUE(rotate(RotationStep::Begin));
  EXPECT_FALSE(rotate(RotationStep::Begin)) << "one at a time";
}

TEST_F(IdentitiesRotationTest, KeysThatARemovalLeftBehindAreRemovedAtTheNextStart) {
  open();
  const Rotation first = rotation();
  ASSERT_TRUE(rotate(RotationStep::Begin));
  Rotation steady = first;
  steady.step = 9;
  const audit::Edit edit = editOf(steady, identities->records().rotation()->revision);
  ASSERT_TRUE(ledger.commit({&edit, 1}, by("ada"))) << "as if it was killed between the two";
  EXPECT_EQ(keyFiles(), 4u);
  open();
  EXPECT_EQ(keyFiles(), 2u);
  EXPECT_EQ(identities->records().authorities().size(), 1u);
}

/// A company's own root, and intermediates below it in files.
class BroughtTest : public IdentitiesRotationTest {
 protected:
  BroughtFiles write(const std::string& prefix, const Party& root) {
    const CertificateSpec spec{.commonName = "company issuing", .names = "", .usage = "", .authority = true};
    const Party issuing = makeParty(spec, &root);
    const BroughtFiles files{outside / (prefix + ".pem"), outside / (prefix + "-root.pem"),
                             outside / (prefix + ".pk8")};
    std::ofstream(files.intermediate) << issuing.certificate.toPem();
    std::ofstream(files.root) << root.certificate.toPem();
    std::ofstream(files.key) << loam::test::pemOf(issuing.key);
    std::filesystem::permissions(files.key, std::filesystem::perms::owner_read);
    return files;
  }

  test::TemporaryDirectory outside;
  const Party company = makeRoot("company root");
};

TEST_F(BroughtTest, AnIntermediateOfOnesOwnIssues) {
  const BroughtFiles files = write("first", company);
  open(files);
  EXPECT_EQ(rotation().issuing, company.certificate.fingerprint());
  EXPECT_FALSE(identities->standing()->roots[0].renewable);
  EXPECT_EQ(keyFiles(), 1u) << "the root's key is kept elsewhere";
  expectIssuing();
  std::filesystem::remove(files.key);
  open(files);
  EXPECT_EQ(rotation().issuing, company.certificate.fingerprint()) << "the file is not needed any more";
}

TEST_F(BroughtTest, ItsOwnerRenewsItByAnotherFile) {
  open(write("first", company));
  const std::int64_t revision = static_cast<std::int64_t>(identities->records().authorities().begin()->second.revision);
  open(write("second", company));
  EXPECT_GT(static_cast<std::int64_t>(identities->records().authorities().begin()->second.revision), revision);
  EXPECT_EQ(rotation().state, RotationState::Steady);
  EXPECT_EQ(keyFiles(), 1u);
  expectIssuing();
}

TEST_F(BroughtTest, ARotationGoesToTheRootOfItsFiles) {
  open();
  const Party next = makeRoot("company root 2");
  open(write("first", company));
  ASSERT_TRUE(rotate(RotationStep::Begin));
  EXPECT_EQ(rotation().other, company.certificate.fingerprint());
  ASSERT_TRUE(rotate(RotationStep::Advance));
  ASSERT_TRUE(rotate(RotationStep::Advance));
  ASSERT_TRUE(rotate(RotationStep::Advance));
  expectIssuing();
  const Status same = rotate(RotationStep::Begin);
  ASSERT_FALSE(same);
  EXPECT_NE(same.error().context.find("present root"), std::string::npos);
  open(write("third", next));
  ASSERT_TRUE(rotate(RotationStep::Begin));
  EXPECT_EQ(rotation().other, next.certificate.fingerprint());
}

TEST_F(BroughtTest, WhatDoesNotFitIsRefusedWithTheFilesName) {
  BroughtFiles files = write("first", company);
  files.root = write("other", makeRoot("another root")).root;
  const auto opened = test::openOver(ledger, directory.path(), clock, log, files);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().context.find("first.pem"), std::string::npos) << opened.error().context;
  EXPECT_TRUE(ledger.documents()->empty());
}

}  // namespace
}  // namespace loam::identity
