#include "rollout/identity/identities.h"

#include <sys/stat.h>

#include "proxy/base/json.h"
#include "rollout/identity/own_leaf.h"
#include "tests/rollout/identity/identities_fixture.h"

namespace loam::identity {
namespace {

using test::by;

class IdentitiesTest : public test::IdentitiesFixture {
 protected:
  IdentitiesTest() { open(); }
};

TEST_F(IdentitiesTest, AnAuthorityIsMadeOnceAndFoundAgain) {
  const auto standing = identities->standing();
  ASSERT_EQ(standing->roots.size(), 1u);
  EXPECT_EQ(standing->rotation.state, RotationState::Steady);
  EXPECT_EQ(standing->trust.roots.size(), 1u);
  EXPECT_EQ(standing->trust.issuing, standing->roots[0].id);
  EXPECT_EQ(standing->own.chain.front().spiffeId(), "spiffe://loam/controller/controller");
  EXPECT_EQ(standing->own.chain.back().fingerprint(), standing->roots[0].id) << "whoever joins can pin it";
  open();
  EXPECT_EQ(identities->standing()->trust, standing->trust);
}

TEST_F(IdentitiesTest, AHostJoinsOnceWithItsToken) {
  const std::string secret = mint();
  const auto joined = join("node-a", secret);
  const tls::Certificate leaf = leafOf(joined);
  EXPECT_EQ(leaf.spiffeId(), "spiffe://loam/proxy/node-a");
  EXPECT_EQ(leaf.notAfter(), unixSeconds(clock.wall()) + 7 * 86'400);
  EXPECT_EQ(joined->trust, identities->standing()->trust);
  EXPECT_TRUE(identities->records().certificates().contains(leaf.serial()));
  EXPECT_EQ(identities->tally().certificates, 1u);
  const auto events = *ledger.events({.kind = "certificate"});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].act.verb, "identity.join");
  EXPECT_EQ(events[0].act.who, "spiffe://loam/proxy/node-a");
  EXPECT_EQ(events[0].act.via, "token:" + joinTokenId(secret));
  EXPECT_EQ(events[0].act.from, "10.0.0.1");
  open();
  EXPECT_FALSE(join("node-a", secret)) << "a restart remembers";
  EXPECT_EQ(identities->tally().certificates, 1u);
}

TEST_F(IdentitiesTest, D9_OfARequestOnlyItsKeyCounts) {
  const std::string secret = mint();
  const std::string foreign = test::makeRequest(
      {.extensions = {{NID_subject_alt_name, "URI:spiffe://loam/proxy/node-b,DNS:*.example"}}, .name = "node-b"});
  const std::vector<std::string> bad = {
      test::makeRequest({.extensions = {{NID_basic_constraints, "critical,CA:TRUE"}}}),
      test::makeRequest({.key = loam::test::rsa(1024)}),
      test::makeRequest({.signer = loam::test::p256()}),
      std::string(20'000, 'x'),
  };
  for (std::size_t i = 0; i < bad.size(); ++i) {
    EXPECT_FALSE(join("node-a", secret, "10.1.0." + std::to_string(i), bad[i])) << i;
  }
  EXPECT_EQ(tally(JoinOutcome::BadRequest), bad.size());
  const tls::Certificate leaf = leafOf(join("node-a", secret, "10.0.0.1", foreign));
  EXPECT_EQ(leaf.uris(), std::vector<std::string>{"spiffe://loam/proxy/node-a"});
}

TEST_F(IdentitiesTest, D10_ARefusalDoesNotSayWhy) {
  const std::string used = mint();
  ASSERT_TRUE(join("node-a", used));
  const std::string open = mint();
  const std::string old = mint("node-c");
  clock.advance(seconds(1));
  const std::string denied = mint("node-d");
  ASSERT_TRUE(identities->deny(Denial::Of::Name, "node-d", by("ada")));
  std::vector<std::string> words;
  const auto refused = [&](const std::string& name, const std::string& secret) {
    const auto answer = join(name, secret, "10.2.0." + std::to_string(words.size()));
    ASSERT_FALSE(answer);
    words.push_back(answer.error().describe());
  };
  refused("node-a", used);
  refused("node-a", "loam-join-guessed");
  refused("node-b", open);
  refused("node-d", denied);
  refused("../controller/controller", open);
  clock.advance(kJoinTokenLife);
  refused("node-c", old);
  for (const std::string& word : words) EXPECT_EQ(word, words.front());
  EXPECT_EQ(tally(JoinOutcome::Used), 1u);
  EXPECT_EQ(tally(JoinOutcome::Unknown), 1u);
  EXPECT_EQ(tally(JoinOutcome::OtherName), 2u);
  EXPECT_EQ(tally(JoinOutcome::Denied), 1u);
  EXPECT_EQ(tally(JoinOutcome::Expired), 1u);
  const auto events = *ledger.events({.kind = "join_token", .key = joinTokenId(used)});
  EXPECT_EQ(events.back().act.verb, "identity.join.refused");
  EXPECT_EQ(events.back().act.reason, "used") << "whoever minted it sees that somebody tried";
}

TEST_F(IdentitiesTest, D10_AfterFiveRefusalsAnAddressIsNotListenedTo) {
  const std::string secret = mint();
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(join("node-a", "loam-join-guessed", "10.0.0.9"));
  EXPECT_FALSE(join("node-a", secret, "10.0.0.9")) << "not even with the right one";
  EXPECT_EQ(tally(JoinOutcome::Limited), 1u);
  clock.advance(seconds(61));
  EXPECT_TRUE(join("node-a", secret, "10.0.0.9"));
}

TEST_F(IdentitiesTest, D10_RefusalsOfATokenAreCountedButDoNotFillTheLedger) {
  const std::string secret = mint();
  ASSERT_TRUE(join("node-a", secret));
  for (int i = 0; i < 30; ++i) EXPECT_FALSE(join("node-a", secret, "10.0.1." + std::to_string(i)));
  EXPECT_EQ(identities->records().tokens().at(joinTokenId(secret)).value.refused, kMostRefusals);
}

TEST_F(IdentitiesTest, D10_OneOfTwoHundredWins) { EXPECT_EQ(test::raceFor(ledger, directory.path(), clock, log), 1); }

TEST_F(IdentitiesTest, ADiskThatIsFullCostsNoToken) {
  const std::string secret = mint();
  ledger.failWith(Error{ErrorCode::Exhausted, "disk full"});
  const auto refused = join("node-a", secret);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Exhausted);
  ledger.failWith(std::nullopt);
  EXPECT_TRUE(join("node-a", secret));
}

TEST_F(IdentitiesTest, D11_NoKeyAndNoTokenIsInTheLedgerOrReadableInAFile) {
  const std::string secret = mint();
  ASSERT_TRUE(join("node-a", secret));
  std::string all;
  const auto documents = ledger.documents();
  const auto events = ledger.events({.most = 1000});
  for (const audit::Document& document : *documents) all.append(writeJson(document.body));
  for (const audit::Event& event : *events) all.append(audit::toJsonLine(event));
  EXPECT_EQ(all.find("PRIVATE KEY"), std::string::npos);
  EXPECT_EQ(all.find(secret), std::string::npos);
  EXPECT_EQ(keyFiles(), 2u);
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    struct stat facts {};
    ASSERT_EQ(::stat(entry.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u) << entry.path();
    EXPECT_EQ(test::readAll(entry.path()).find("PRIVATE KEY"), std::string::npos);
  }
}

TEST_F(IdentitiesTest, ACertificateIsRenewedForTheSameName) {
  const tls::Certificate first = leafOf(join("node-a", mint()));
  clock.advance(std::chrono::hours(84));
  const auto renewed = identities->renew(first.spiffeId(), first.serial(), test::request(), test::address("10.0.0.1"));
  EXPECT_EQ(leafOf(renewed).spiffeId(), first.spiffeId());
  EXPECT_GT(leafOf(renewed).notAfter(), first.notAfter());
  EXPECT_EQ(identities->records().certificates().size(), 2u);
  const auto refused = identities->renew(first.spiffeId(), first.serial(), "no request", test::address("10.0.0.1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
  for (std::size_t i = 0; i < Identities::kMostCertificates; ++i) {
    (void)identities->renew(first.spiffeId(), first.serial(), test::request(), test::address("10.0.0.1"));
  }
  EXPECT_EQ(identities->records().certificates().size(), Identities::kMostCertificates) << "a lying agent is bounded";
}

TEST_F(IdentitiesTest, D12_WhoIsRevokedIsInTheTrustOfAll) {
  const tls::Certificate leaf = leafOf(join("node-a", mint()));
  int told = 0;
  identities->onChange([&](const auto&) { ++told; });
  const auto revoked = identities->deny(Denial::Of::Name, "node-a", by("ada", "stolen"));
  ASSERT_TRUE(revoked) << revoked.error().describe();
  EXPECT_EQ(revoked->certificates, 1u);
  EXPECT_EQ(revoked->denial.value, "spiffe://loam/proxy/node-a");
  EXPECT_EQ(revoked->denial.until, leaf.notAfter());
  EXPECT_EQ(told, 1);
  EXPECT_EQ(identities->mint("node-a", kJoinTokenLife, by("ada")).error().code, ErrorCode::Conflict);
  ASSERT_EQ(identities->standing()->trust.denied.size(), 1u);
  EXPECT_EQ(identities->standing()->trust.denied[0].value, "spiffe://loam/proxy/node-a");
  const auto renewing = identities->renew(leaf.spiffeId(), leaf.serial(), test::request(), test::address("10.0.0.1"));
  ASSERT_FALSE(renewing);
  EXPECT_EQ(renewing.error().code, ErrorCode::Denied);
  open();
  EXPECT_EQ(identities->standing()->trust.denied.size(), 1u) << "a restart remembers";
  ASSERT_TRUE(identities->allow("name/spiffe://loam/proxy/node-a", by("ada")));
  EXPECT_TRUE(identities->standing()->trust.denied.empty());
  EXPECT_EQ(identities->allow("name/nobody", by("ada")).error().code, ErrorCode::NotFound);
}

TEST_F(IdentitiesTest, WhatCanBeNoNameIsNotDenied) {
  for (const char* name : {"", "a b", "../x", "spiffe://loam/proxy", "spiffe://loam/controller/controller"}) {
    EXPECT_EQ(identities->deny(Denial::Of::Name, name, by("ada")).error().code, ErrorCode::InvalidArgument) << name;
  }
  EXPECT_EQ(identities->deny(Denial::Of::Serial, "xyz", by("ada")).error().code, ErrorCode::InvalidArgument);
  const auto unknown = identities->deny(Denial::Of::Serial, "7f01", by("ada"));
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->certificates, 0u);
  EXPECT_EQ(unknown->denial.until, unixSeconds(clock.wall()) + 7 * 86'400) << "a restored ledger may not know it";
}

TEST_F(IdentitiesTest, WhatIsOverIsForgotten) {
  ASSERT_TRUE(join("node-a", mint()));
  const std::string unused = mint("node-b");
  ASSERT_TRUE(identities->deny(Denial::Of::Name, "node-a", by("ada")));
  int told = 0;
  identities->onChange([&](const auto&) { ++told; });
  clock.advance(std::chrono::hours(36));
  identities->keepHouse();
  EXPECT_EQ(identities->records().tokens().size(), 0u);
  EXPECT_EQ(identities->records().certificates().size(), 1u);
  EXPECT_EQ(told, 0) << "nothing that agents have to know";
  clock.advance(std::chrono::hours(6 * 24));
  identities->keepHouse();
  EXPECT_EQ(identities->records().certificates().size(), 0u);
  EXPECT_EQ(identities->tally().certificates, 0u);
  EXPECT_TRUE(identities->standing()->denied.denials().empty());
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(ledger.verify());
}

TEST_F(IdentitiesTest, TheControllersOwnCertificateIsRenewedAtHalfOfItsLife) {
  const std::string first = identities->standing()->own.chain.front().serial();
  clock.advance(std::chrono::hours(80));
  identities->keepHouse();
  EXPECT_EQ(identities->standing()->own.chain.front().serial(), first);
  clock.advance(std::chrono::hours(5));
  identities->keepHouse();
  EXPECT_NE(identities->standing()->own.chain.front().serial(), first);
}

TEST_F(IdentitiesTest, TheIntermediateIsRenewedAtHalfOfItsLife) {
  const std::string root = identities->standing()->roots[0].id;
  const std::int64_t until = identities->standing()->roots[0].intermediateUntil;
  clock.advance(std::chrono::hours(183 * 24));
  identities->keepHouse();
  EXPECT_EQ(identities->standing()->roots[0].id, root);
  EXPECT_GT(identities->standing()->roots[0].intermediateUntil, until);
  EXPECT_EQ(keyFiles(), 2u) << "the old intermediate's key is gone";
  open();
  EXPECT_GT(identities->standing()->roots[0].intermediateUntil, until);
  EXPECT_TRUE(join("node-a", mint()));
}

TEST_F(IdentitiesTest, ATokenIsBoundedAndCanBeDropped) {
  EXPECT_FALSE(identities->mint("a/b", kJoinTokenLife, by("ada")));
  EXPECT_FALSE(identities->mint("", kJoinTokenLife, by("ada")));
  EXPECT_FALSE(identities->mint("node-a", seconds(0), by("ada")));
  EXPECT_FALSE(identities->mint("node-a", std::chrono::hours(8 * 24), by("ada")));
  const std::string secret = mint();
  ASSERT_TRUE(identities->dropToken(joinTokenId(secret), by("ada")));
  EXPECT_FALSE(join("node-a", secret));
  EXPECT_EQ(identities->dropToken(joinTokenId(secret), by("ada")).error().code, ErrorCode::NotFound);
}

TEST_F(IdentitiesTest, AnotherPassphraseOpensNothing) {
  identities.reset();
  const auto opened = Identities::open(
      ledger, KeyVault(directory.path(), SealingSecret("incorrect donkey"), SealingCost{.n = 16}), {}, clock, log);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::Denied);
}

TEST_F(IdentitiesTest, AnotherTrustDomainIsNoticed) {
  identities.reset();
  const auto opened =
      Identities::open(ledger, KeyVault(directory.path(), SealingSecret("correct horse battery"), SealingCost{.n = 16}),
                       {.trustDomain = "other"}, clock, log);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().context.find("cannot vouch for spiffe://other/controller/controller"), std::string::npos)
      << opened.error().context;
}

}  // namespace
}  // namespace loam::identity
