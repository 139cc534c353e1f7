#include "rollout/identity/join_token.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "proxy/base/json.h"
#include "tests/support/fake_clock.h"

namespace loam::identity {
namespace {

class JoinTokenTest : public testing::Test {
 protected:
  loam::test::FakeClock clock;
  MintedToken minted = *mintJoinToken("node-a", clock.wall());
};

TEST_F(JoinTokenTest, IsPrintableAndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const auto one = mintJoinToken("node-a", clock.wall());
    ASSERT_TRUE(one);
    EXPECT_TRUE(one->secret.starts_with("loam-join-"));
    EXPECT_EQ(one->secret.size(), 10u + 43u) << "256 bits, 6 a letter";
    EXPECT_TRUE(std::all_of(one->secret.begin(), one->secret.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    })) << one->secret;
    seen.insert(one->secret);
  }
  EXPECT_EQ(seen.size(), 200u);
}

TEST_F(JoinTokenTest, D10_WhatIsKeptDoesNotHoldTheToken) {
  const std::string kept = writeJson(toJson(minted.token));
  EXPECT_EQ(kept.find(minted.secret.substr(10)), std::string::npos);
  EXPECT_EQ(minted.token.hash.size(), 64u);
  EXPECT_EQ(minted.token.id, joinTokenId(minted.secret));
  EXPECT_TRUE(minted.token.hash.starts_with(minted.token.id));
  EXPECT_EQ(minted.token.expires - minted.token.issued, 600);
}

TEST_F(JoinTokenTest, D10_IsGoodOnceForItsNameAndTime) {
  const JoinToken& token = minted.token;
  const auto at = [&](seconds after, const char* name = "node-a") {
    return check(&token, minted.secret, name, clock.wall() + after);
  };
  EXPECT_EQ(at(seconds(0)), JoinVerdict::Good);
  EXPECT_EQ(at(seconds(599)), JoinVerdict::Good);
  EXPECT_EQ(at(seconds(600)), JoinVerdict::Expired);
  EXPECT_EQ(at(seconds(0), "node-b"), JoinVerdict::OtherName);
  EXPECT_EQ(at(seconds(0), ""), JoinVerdict::OtherName);
  JoinToken used = token;
  used.used = unixSeconds(clock.wall());
  EXPECT_EQ(check(&used, minted.secret, "node-a", clock.wall()), JoinVerdict::Used);
}

TEST_F(JoinTokenTest, D10_OnlyTheWholeTokenIsKnown) {
  const std::string& secret = minted.secret;
  std::string flipped = secret;
  flipped.back() = flipped.back() == 'A' ? 'B' : 'A';
  for (const std::string& wrong : {std::string(), flipped, secret.substr(10), secret + "A", secret + "\n",
                                   secret.substr(0, secret.size() - 1), minted.token.hash, minted.token.id}) {
    EXPECT_EQ(check(&minted.token, wrong, "node-a", clock.wall()), JoinVerdict::Unknown) << wrong;
  }
  EXPECT_EQ(check(nullptr, secret, "node-a", clock.wall()), JoinVerdict::Unknown);
  JoinToken torn = minted.token;
  torn.hash.clear();
  EXPECT_EQ(check(&torn, secret, "node-a", clock.wall()), JoinVerdict::Unknown);
}

TEST_F(JoinTokenTest, IsReadBackAsItWasWritten) {
  JoinToken token = minted.token;
  token.used = 1'700'000'100;
  const auto again = joinTokenFromJson(*parseJson(writeJson(toJson(token))));
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_EQ(*again, token);
  for (const std::string& member : toJson(token).getMemberNames()) {
    Json::Value torn = toJson(token);
    torn.removeMember(member);
    EXPECT_FALSE(joinTokenFromJson(torn)) << member;
  }
}

TEST_F(JoinTokenTest, VerdictsHaveNames) {
  EXPECT_EQ(name(JoinVerdict::Good), "good");
  EXPECT_EQ(name(JoinVerdict::OtherName), "other_name");
}

}  // namespace
}  // namespace loam::identity
