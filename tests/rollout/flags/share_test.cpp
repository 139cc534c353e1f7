#include "rollout/flags/share.h"

#include <gtest/gtest.h>

namespace loam::flags {
namespace {

TEST(ShareTest, ReadsPercentagesAsPeopleWriteThem) {
  const std::pair<const char*, Share> cases[] = {{"0", 0},           {"10", 10'000},  {"10%", 10'000},    {"0.5", 500},
                                                 {"33.333", 33'333}, {"100", kWhole}, {"100.0%", kWhole}, {"0.001", 1}};
  for (const auto& [text, share] : cases) {
    const auto read = parseShare(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, share) << text;
  }
}

TEST(ShareTest, RefusesWhatIsNoPercentage) {
  for (const char* text :
       {"", "%", "-1", "101", "100.001", "1.2345", "1.", ".5", "1e1", "ten", "1 0", "999999999999", "10%%"}) {
    EXPECT_FALSE(parseShare(text)) << text;
  }
}

TEST(ShareTest, WritesTheShortestTextThatReadsBack) {
  EXPECT_EQ(shareText(10'000), "10");
  EXPECT_EQ(shareText(500), "0.5");
  EXPECT_EQ(shareText(33'330), "33.33");
  EXPECT_EQ(shareText(1), "0.001");
  for (Share share = 0; share <= kWhole; share += 7) EXPECT_EQ(*parseShare(shareText(share)), share);
}

}  // namespace
}  // namespace loam::flags
