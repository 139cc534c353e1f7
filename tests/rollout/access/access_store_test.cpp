#include "rollout/access/access_store.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_ledger.h"

namespace loam::access {
namespace {

class AccessStoreTest : public testing::Test {
 protected:
  static audit::Act act(const std::string& verb) { return {"root", "socket", "", verb, "", "", ""}; }
  Result<MintedToken> create(Token wanted) { return store.create(std::move(wanted), act("token.create")); }
  std::optional<Bearer> bearer(const std::string& secret) const {
    return store.roster()->bearer(secret, unixSeconds(clock.wall()));
  }
  std::size_t events() const { return ledger.events({.most = 1000})->size(); }

  test::FakeClock clock;
  test::MemoryLedger ledger{clock};
  AccessStore store{ledger, clock};
};

TEST_F(AccessStoreTest, EveryChangeIsInTheAuditLogAndOutlivesTheProgram) {
  ASSERT_TRUE(store.add({"ada", Role::Admin, false}, act("user.add")));
  const auto minted = create({.name = "laptop", .user = "ada", .role = Role::Operator});
  ASSERT_TRUE(minted) << minted.error().context;
  AccessStore again(ledger, clock);
  ASSERT_TRUE(again.load(*ledger.documents()));
  EXPECT_EQ(again.roster()->bearer(minted->secret, unixSeconds(clock.wall()))->who, "ada");
  const auto log = *ledger.events({.most = 1000});
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log[0].act.verb, "user.add");
  EXPECT_EQ(log[1].kind, "token");
  EXPECT_EQ(writeJson(audit::toJson(log[1])).find(minted->secret.substr(kTokenPrefix.size())), std::string::npos);
}

TEST_F(AccessStoreTest, ARevokedTokenIsWorthNothingAtOnce) {
  const auto minted = create({.name = "ci", .role = Role::Viewer});
  ASSERT_TRUE(bearer(minted->secret));
  ASSERT_TRUE(store.revoke(minted->token.id, act("token.revoke")));
  EXPECT_FALSE(bearer(minted->secret));
  EXPECT_EQ(store.revoke(minted->token.id, act("token.revoke")).error().code, ErrorCode::NotFound);
}

TEST_F(AccessStoreTest, AUserGoesWithHisTokens) {
  ASSERT_TRUE(store.add({"ada", Role::Admin, false}, act("user.add")));
  const auto first = create({.name = "laptop", .user = "ada", .role = Role::Admin});
  const auto second = create({.name = "phone", .user = "ada", .role = Role::Viewer});
  const auto other = create({.name = "ci", .role = Role::Viewer});
  ASSERT_TRUE(store.remove("ada", act("user.remove")));
  EXPECT_FALSE(bearer(first->secret));
  EXPECT_FALSE(bearer(second->secret));
  EXPECT_TRUE(bearer(other->secret));
  EXPECT_EQ(store.remove("ada", act("user.remove")).error().code, ErrorCode::NotFound);
  ASSERT_TRUE(store.add({"ada", Role::Admin, false}, act("user.add")));
  EXPECT_FALSE(bearer(first->secret)) << "whoever is called so next does not inherit them";
}

TEST_F(AccessStoreTest, NobodyIsCalledAsAnother) {
  ASSERT_TRUE(store.add({"ada", Role::Viewer, false}, act("user.add")));
  EXPECT_EQ(store.add({"ada", Role::Admin, false}, act("user.add")).error().code, ErrorCode::Conflict);
  EXPECT_EQ(create({.name = "ada", .role = Role::Viewer}).error().code, ErrorCode::Conflict);
  ASSERT_TRUE(create({.name = "ci", .role = Role::Viewer}));
  EXPECT_EQ(create({.name = "ci", .role = Role::Viewer}).error().code, ErrorCode::Conflict);
  EXPECT_EQ(store.add({"ci", Role::Viewer, false}, act("user.add")).error().code, ErrorCode::Conflict);
  EXPECT_EQ(store.add({"uid:0", Role::Viewer, false}, act("user.add")).error().code, ErrorCode::InvalidArgument);
}

TEST_F(AccessStoreTest, NoTokenIsAboveItsUser) {
  ASSERT_TRUE(store.add({"ada", Role::Operator, false}, act("user.add")));
  const auto above = create({.name = "laptop", .user = "ada", .role = Role::Admin});
  ASSERT_FALSE(above);
  EXPECT_NE(above.error().context.find("ada is operator"), std::string::npos);
  EXPECT_EQ(create({.name = "laptop", .user = "bo", .role = Role::Viewer}).error().code, ErrorCode::NotFound);
}

TEST_F(AccessStoreTest, TheFirstAdminsTokenClosesLoopbackForGood) {
  ASSERT_TRUE(create({.name = "ci", .role = Role::Operator}));
  ASSERT_TRUE(create({.name = "part", .role = Role::Admin, .scope = {{"cart"}, {}}}));
  EXPECT_FALSE(store.roster()->loopbackNeedsToken);
  const auto admin = create({.name = "root-ci", .role = Role::Admin});
  EXPECT_TRUE(store.roster()->loopbackNeedsToken);
  ASSERT_TRUE(store.revoke(admin->token.id, act("token.revoke")));
  EXPECT_TRUE(store.roster()->loopbackNeedsToken) << "a lost token must not open what it closed";
  AccessStore again(ledger, clock);
  ASSERT_TRUE(again.load(*ledger.documents()));
  EXPECT_TRUE(again.roster()->loopbackNeedsToken);
}

TEST_F(AccessStoreTest, WhatCannotBeWrittenDoesNotCount) {
  const auto minted = create({.name = "ci", .role = Role::Viewer});
  ledger.failWith(Error{ErrorCode::Exhausted, "disk full"});
  EXPECT_FALSE(create({.name = "other", .role = Role::Viewer}));
  EXPECT_FALSE(store.revoke(minted->token.id, act("token.revoke")));
  EXPECT_EQ(store.roster()->tokens.size(), 1u);
  EXPECT_TRUE(bearer(minted->secret));
  ledger.failWith({});
  EXPECT_TRUE(store.revoke(minted->token.id, act("token.revoke")));
  EXPECT_FALSE(bearer(minted->secret));
}

TEST_F(AccessStoreTest, TheDayOfUseIsKeptOnceADayAndIsNobodysAct) {
  const auto minted = create({.name = "ci", .role = Role::Viewer});
  const std::size_t before = events();
  store.noteUses({minted->token.id, "gone"});
  const std::int64_t day = store.roster()->tokens.begin()->second.usedDay;
  EXPECT_EQ(day, unixSeconds(clock.wall()) / 86'400 * 86'400);
  const auto revision = [this] { return ledger.documents()->front().revision; };
  const std::uint64_t once = revision();
  store.noteUses({minted->token.id});
  EXPECT_EQ(revision(), once);
  clock.advance(std::chrono::hours(24));
  store.noteUses({minted->token.id});
  EXPECT_GT(revision(), once);
  EXPECT_EQ(events(), before);
  EXPECT_TRUE(bearer(minted->secret));
}

}  // namespace
}  // namespace loam::access
