#include "rollout/fleet/descents.h"

#include <gtest/gtest.h>

namespace loam::fleet {
namespace {

const flags::Cell kCart{"cart", "mtls"};

class DescentsTest : public testing::Test {
 protected:
  DescentsTest() { descents.take(std::make_shared<flags::Desired>(), now); }

  void want(const std::string& stage, const std::string& from, std::int64_t at = 1) {
    flags::Flag flag;
    flag.cell = kCart;
    flag.stage = stage;
    flag.revision = ++desired.revision;
    desired.flags[kCart] = flag;
    flags::Descent descent{flag, at};
    descent.from.stage = from;
    descent.from.revision = 0;  // as it is read
    desired.descents[kCart] = descent;
    descents.take(std::make_shared<const flags::Desired>(desired), now);
  }
  std::string told() const { return descents.told().flag(kCart).stage; }
  bool advance(bool isRun) {
    return descents.advance(now, [isRun](const std::string&) { return isRun; });
  }

  Monotonic now{};
  flags::Desired desired;
  Descents descents;
};

TEST_F(DescentsTest, TellsTheNextRungWhenTheOneBeforeIsRun) {
  want("off", "strict");
  EXPECT_EQ(told(), "prefer");
  EXPECT_EQ(descents.covered("cart"), 0u) << "what is wanted is not told yet";
  EXPECT_EQ(descents.covered("shop"), 1u);
  EXPECT_FALSE(advance(false));
  EXPECT_EQ(told(), "prefer");
  EXPECT_TRUE(advance(true));
  EXPECT_EQ(told(), "permissive");
  EXPECT_TRUE(advance(true));
  EXPECT_EQ(told(), "off");
  EXPECT_EQ(descents.covered("cart"), 1u);
  EXPECT_EQ(descents.over().size(), 1u);
  EXPECT_FALSE(advance(true));
}

TEST_F(DescentsTest, WaitsForNobodyLongerThanItsPatience) {
  want("off", "strict");
  now += Descents::kPatience - milliseconds(1);
  EXPECT_FALSE(advance(false));
  now += milliseconds(1);
  EXPECT_TRUE(advance(false));
  EXPECT_EQ(told(), "permissive");
  EXPECT_FALSE(advance(false)) << "each rung has its time";
  now += Descents::kPatience;
  EXPECT_TRUE(advance(false));
  EXPECT_EQ(told(), "off");
}

TEST_F(DescentsTest, BeginsAgainWithAControllerThatStartsInTheMidst) {
  want("off", "strict");
  advance(true);
  descents = Descents();
  descents.take(std::make_shared<const flags::Desired>(desired), now);
  EXPECT_EQ(told(), "prefer");
  now += Descents::kPatience;
  EXPECT_FALSE(advance(false)) << "proxies come back to it one after the other";
  now += Descents::kPatienceAtStart;
  EXPECT_TRUE(advance(false));
  EXPECT_EQ(told(), "permissive");
}

TEST_F(DescentsTest, GoesOnWhereItIsWhenItEndsElsewhere) {
  want("off", "strict");
  advance(true);
  want("permissive", "strict");
  EXPECT_EQ(told(), "permissive");
  EXPECT_FALSE(descents.isAnyUnderWay());
}

TEST_F(DescentsTest, BeginsAnewWhenItIsLoweredAnew) {
  want("off", "strict");
  advance(true);
  advance(true);
  EXPECT_EQ(told(), "off");
  want("off", "strict", 2);
  EXPECT_EQ(told(), "prefer");
  desired.descents.clear();
  descents.take(std::make_shared<const flags::Desired>(desired), now);
  EXPECT_EQ(told(), "off");
  EXPECT_TRUE(descents.over().empty());
}

}  // namespace
}  // namespace loam::fleet
