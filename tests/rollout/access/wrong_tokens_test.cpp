#include "rollout/access/wrong_tokens.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace loam::access {
namespace {

class WrongTokensTest : public testing::Test {
 protected:
  milliseconds wrong(const std::string& source = "192.0.2.1") { return tokens.note(source, clock.now()); }
  test::FakeClock clock;
  WrongTokens tokens;
};

TEST_F(WrongTokensTest, E9_EachCostsTwiceTheTimeOfTheOneBefore) {
  for (unsigned i = 0; i < WrongTokens::kFree; ++i) EXPECT_EQ(wrong(), milliseconds(0)) << "a slip of the pen";
  EXPECT_EQ(wrong(), milliseconds(100));
  EXPECT_EQ(wrong(), milliseconds(200));
  EXPECT_EQ(wrong(), milliseconds(400));
  for (int i = 0; i < 100; ++i) wrong();
  EXPECT_EQ(wrong(), WrongTokens::kLongest);
  EXPECT_EQ(tokens.total(), WrongTokens::kFree + 104);
}

TEST_F(WrongTokensTest, E9_OneSourceDoesNotPayForAnother) {
  for (int i = 0; i < 50; ++i) wrong();
  EXPECT_EQ(wrong("192.0.2.2"), milliseconds(0));
}

TEST_F(WrongTokensTest, AGoodOneEndsTheWait) {
  for (int i = 0; i < 50; ++i) wrong();
  tokens.forgive("192.0.2.1");
  tokens.forgive("192.0.2.2");
  EXPECT_EQ(wrong(), milliseconds(0));
}

TEST_F(WrongTokensTest, AQuietSourceIsForgotten) {
  for (int i = 0; i < 50; ++i) wrong();
  clock.advance(WrongTokens::kForget);
  EXPECT_EQ(wrong(), milliseconds(0));
  EXPECT_EQ(tokens.sources(), 1u);
}

TEST_F(WrongTokensTest, E9_ManySourcesCostBoundedMemory) {
  for (int i = 0; i < 10; ++i) wrong("steady");
  for (std::size_t i = 0; i < 10 * WrongTokens::kMostSources; ++i) {
    wrong(std::to_string(i));
    if (i % 100 == 0) wrong("steady");
  }
  EXPECT_EQ(tokens.sources(), WrongTokens::kMostSources);
  EXPECT_EQ(wrong("steady"), WrongTokens::kLongest) << "who goes on is not the one who is forgotten";
}

}  // namespace
}  // namespace loam::access
