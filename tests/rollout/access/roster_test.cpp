#include "rollout/access/roster.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"
#include "tests/support/fake_clock.h"

namespace loam::access {
namespace {

class RosterTest : public testing::Test {
 protected:
  /// A token that is in the roster; gives its secret.
  std::string hold(Token wanted) {
    auto minted = mint(std::move(wanted), clock.wall());
    EXPECT_TRUE(minted);
    roster.tokens[minted->token.id] = minted->token;
    return minted->secret;
  }
  std::int64_t now() const { return unixSeconds(clock.wall()); }

  test::FakeClock clock;
  Roster roster;
};

TEST_F(RosterTest, ATokenProvesWhoAsks) {
  roster.users["ada"] = {"ada", Role::Admin, false};
  const std::string hers = hold({.name = "laptop", .user = "ada", .role = Role::Operator});
  const std::string programs = hold({.name = "ci", .role = Role::Viewer});
  const auto ada = roster.bearer(hers, now());
  ASSERT_TRUE(ada);
  EXPECT_EQ(ada->who, "ada");
  EXPECT_EQ(ada->role, Role::Operator);
  EXPECT_EQ(roster.bearer(programs, now())->who, "ci");
}

TEST_F(RosterTest, AnythingElseProvesNothing) {
  roster.users["ada"] = {"ada", Role::Admin, false};
  const std::string secret = hold({.name = "laptop", .user = "ada", .role = Role::Admin, .expires = now() + 60});
  std::string near = secret;
  near.back() = near.back() == 'A' ? 'B' : 'A';
  for (const std::string& other : {std::string(), near, secret + "A", secret.substr(1), roster.tokens.begin()->first,
                                   roster.tokens.begin()->second.hash, std::string(1 << 20, 'x')}) {
    EXPECT_FALSE(roster.bearer(other, now())) << other.substr(0, 80);
  }
  EXPECT_TRUE(roster.bearer(secret, now() + 59));
  EXPECT_FALSE(roster.bearer(secret, now() + 60)) << "its time is over";
  roster.users["ada"].disabled = true;
  EXPECT_FALSE(roster.bearer(secret, now()));
  roster.users.clear();
  EXPECT_FALSE(roster.bearer(secret, now()));
}

TEST_F(RosterTest, ATokenIsNeverMoreThanItsUser) {
  roster.users["ada"] = {"ada", Role::Admin, false};
  const std::string secret = hold({.name = "laptop", .user = "ada", .role = Role::Admin});
  EXPECT_TRUE(roster.hasAdmin(now()));
  roster.users["ada"].role = Role::Viewer;
  EXPECT_EQ(roster.bearer(secret, now())->role, Role::Viewer);
  EXPECT_FALSE(roster.hasAdmin(now()));
}

TEST_F(RosterTest, OnlyAWholeAndGoodAdminIsOne) {
  hold({.name = "part", .role = Role::Admin, .scope = {{"cart"}, {}}});
  hold({.name = "old", .role = Role::Admin, .expires = now()});
  hold({.name = "lost", .user = "nobody", .role = Role::Admin});
  EXPECT_FALSE(roster.hasAdmin(now()));
}

TEST_F(RosterTest, DocumentsReadBackAndKeepNoSecret) {
  const std::string secret = hold({.name = "ci", .role = Role::Operator, .scope = {{"cart"}, {"mtls"}}, .expires = 5});
  const Token& token = roster.tokens.begin()->second;
  const std::string kept = writeJson(toJson(token));
  EXPECT_EQ(kept.find(secret.substr(kTokenPrefix.size())), std::string::npos);
  EXPECT_EQ(*tokenFromJson(token.id, toJson(token)), token);
  const User user{"ada", Role::Operator, true};
  EXPECT_EQ(*userFromJson("ada", toJson(user)), user);
  Json::Value broken = toJson(token);
  broken["role"] = "root";
  EXPECT_FALSE(tokenFromJson(token.id, broken));
  broken = toJson(token);
  broken.removeMember("scope");
  EXPECT_FALSE(tokenFromJson(token.id, broken)) << "a scope that is lost must not be everything";
}

TEST_F(RosterTest, NamesCannotBeTakenForOthers) {
  for (const char* good : {"ada", "a", "ci-cart.prod_2", "0"}) EXPECT_TRUE(checkName(good)) << good;
  for (const std::string bad :
       {"", "Ada", "-a", "uid:0", "spiffe://loam/proxy/a", "a b", "controller", "local", "a\n", "é"}) {
    EXPECT_FALSE(checkName(bad)) << bad;
  }
  EXPECT_FALSE(checkName(std::string(65, 'a')));
}

}  // namespace
}  // namespace loam::access
