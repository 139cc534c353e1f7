#include "rollout/identity/rotation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "proxy/base/json.h"

namespace loam::identity {
namespace {

using State = RotationState;

const Rotation kSteady{.state = State::Steady, .step = 7, .issuing = "old", .other = "", .since = 100};

std::vector<Acknowledgement> at(std::uint64_t step) { return {{"a", step}, {"b", step}}; }

/// Whether an agent of step `one` believes the leaf of an agent of step `other`.
bool believes(const Rotation& one, const Rotation& other) {
  const auto trusted = one.trusted();
  return std::find(trusted.begin(), trusted.end(), other.issuing) != trusted.end();
}

TEST(RotationTest, GoesFromOneRootToTheOtherInFourSteps) {
  const auto both = begin(kSteady, "new", at(7), 200);
  ASSERT_TRUE(both) << both.error().describe();
  EXPECT_EQ(*both, (Rotation{State::BothTrusted, 8, "old", "new", 200}));
  EXPECT_EQ(both->trusted(), (std::vector<std::string>{"old", "new"}));
  const auto turned = advance(*both, at(8), 300);
  ASSERT_TRUE(turned);
  EXPECT_EQ(*turned, (Rotation{State::NewIssues, 9, "new", "old", 300}));
  EXPECT_EQ(turned->trusted(), (std::vector<std::string>{"new", "old"}));
  const auto retiring = advance(*turned, at(9), 400);
  ASSERT_TRUE(retiring);
  EXPECT_EQ(*retiring, (Rotation{State::Retiring, 10, "new", "old", 400}));
  EXPECT_EQ(retiring->trusted(), std::vector<std::string>{"new"});
  const auto steady = advance(*retiring, at(10), 500);
  ASSERT_TRUE(steady);
  EXPECT_EQ(*steady, (Rotation{State::Steady, 10, "new", "", 500}));
  EXPECT_TRUE(begin(*steady, "third", at(10), 600)) << "what was acknowledged need not be again";
}

TEST(RotationTest, NoStepFollowsBeforeAllLiveAgentsAreThere) {
  Rotation rotation = *begin(kSteady, "new", at(7), 200);
  for (int i = 0; i < 3; ++i) {
    const std::vector<Acknowledgement> one = {{"z", rotation.step - 1}, {"b", rotation.step}, {"c", 0}};
    EXPECT_EQ(notYet(rotation, one), (std::vector<std::string>{"c", "z"}));
    const auto refused = advance(rotation, one, 300);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
    EXPECT_NE(refused.error().context.find("2 of 3 live agents"), std::string::npos) << refused.error().context;
    EXPECT_NE(refused.error().context.find("c, z"), std::string::npos) << refused.error().context;
    rotation = *advance(rotation, at(rotation.step), 300);
  }
  EXPECT_FALSE(begin(kSteady, "new", at(6), 200));
  EXPECT_TRUE(begin(kSteady, "new", {}, 200)) << "agents that are away are nobody's to wait for";
}

TEST(RotationTest, StepsThatAreNoneAreRefused) {
  EXPECT_FALSE(advance(kSteady, at(7), 200));
  EXPECT_FALSE(abort(kSteady, 200));
  EXPECT_FALSE(begin(kSteady, "old", at(7), 200));
  EXPECT_FALSE(begin(kSteady, "", at(7), 200));
  const Rotation both = *begin(kSteady, "new", at(7), 200);
  EXPECT_FALSE(begin(both, "third", at(8), 200));
  const Rotation retiring = *advance(*advance(both, at(8), 1), at(9), 2);
  EXPECT_FALSE(abort(retiring, 3));
}

TEST(RotationTest, AnAbortLeadsBackToTheOldRoot) {
  const Rotation both = *begin(kSteady, "new", at(7), 200);
  const auto dropped = abort(both, 300);
  ASSERT_TRUE(dropped);
  EXPECT_EQ(*dropped, (Rotation{State::Retiring, 9, "old", "new", 300}));
  EXPECT_EQ(*advance(*dropped, at(9), 400), (Rotation{State::Steady, 9, "old", "", 400}));

  const Rotation turned = *advance(both, at(8), 300);
  const auto back = abort(turned, 400);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, (Rotation{State::NewIssues, 10, "old", "new", 400}));
  EXPECT_FALSE(advance(*back, at(9), 500)) << "first all need leaves of the old root again";
  EXPECT_EQ(advance(*advance(*back, at(10), 500), at(11), 600)->issuing, "old");
}

/// All that can be reached from `from`, each with the steps that agents may still be at: whoever is one step behind, or
/// behind an abort, is believed and believes.
void explore(const Rotation& now, std::vector<Rotation> behind, int depth, std::size_t& seen) {
  ++seen;
  for (const Rotation& late : behind) {
    EXPECT_TRUE(believes(now, late)) << writeJson(toJson(late)) << " and then " << writeJson(toJson(now));
    EXPECT_TRUE(believes(late, now)) << writeJson(toJson(late)) << " and then " << writeJson(toJson(now));
  }
  if (depth == 0) return;
  const auto all = at(now.step);
  const auto next =
      now.state == State::Steady ? begin(now, "root" + std::to_string(now.step), all, 1) : advance(now, all, 1);
  ASSERT_TRUE(next);
  explore(*next, {now}, depth - 1, seen);
  if (const auto turned = abort(now, 1)) {
    behind.push_back(now);  // an abort waits for nobody: those who were behind still are
    explore(*turned, behind, depth - 1, seen);
  }
}

TEST(RotationTest, D6_AgentsOfNeighbouringStepsAlwaysBelieveEachOther) {
  std::size_t seen = 0;
  explore(kSteady, {}, 12, seen);
  EXPECT_GT(seen, 100u);
}

TEST(RotationTest, CanBeWrittenDownAndGoneOnWithAtAnyStep) {
  Rotation rotation = *begin(kSteady, "new", at(7), 200);
  for (int i = 0; i < 4; ++i) {
    const auto again = rotationFromJson(*parseJson(writeJson(toJson(rotation))));
    ASSERT_TRUE(again) << again.error().describe();
    EXPECT_EQ(*again, rotation);
    const auto next = advance(*again, at(again->step), 300);
    if (next) rotation = *next;
  }
  EXPECT_EQ(rotation.state, State::Steady);
}

TEST(RotationTest, AStateThatCannotBeIsNotTaken) {
  const Json::Value good = toJson(*begin(kSteady, "new", at(7), 200));
  const auto with = [&](const char* key, const Json::Value& value) {
    Json::Value body = good;
    body[key] = value;
    return rotationFromJson(body);
  };
  EXPECT_TRUE(rotationFromJson(good));
  EXPECT_FALSE(with("state", "sideways"));
  EXPECT_FALSE(with("state", "steady"));
  EXPECT_FALSE(with("other", ""));
  EXPECT_FALSE(with("other", "old"));
  EXPECT_FALSE(with("issuing", ""));
  EXPECT_FALSE(with("step", -1));
  for (const std::string& member : good.getMemberNames()) EXPECT_FALSE(with(member.c_str(), Json::nullValue)) << member;
}

}  // namespace
}  // namespace loam::identity
