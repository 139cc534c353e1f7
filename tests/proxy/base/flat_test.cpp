#include "proxy/base/flat.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(FlatTest, ASetHasWhatItWasGivenOnce) {
  const FlatSet<int> set{5, 1, 5, 3};
  for (const int value : {1, 3, 5}) EXPECT_TRUE(set.contains(value));
  for (const int value : {0, 2, 4, 6}) EXPECT_FALSE(set.contains(value));
  EXPECT_FALSE(FlatSet<int>().contains(0));
}

TEST(FlatTest, OfAKeyThatIsGivenSeveralTimesTheLastValueCounts) {
  FlatMap<int, char> map({{2, 'a'}, {1, 'b'}, {2, 'c'}, {3, 'd'}, {2, 'e'}});
  EXPECT_EQ(map.entries(), (std::vector<std::pair<int, char>>{{1, 'b'}, {2, 'e'}, {3, 'd'}}));
  ASSERT_NE(map.find(2), nullptr);
  *map.find(2) = 'f';
  EXPECT_EQ(*std::as_const(map).find(2), 'f');
  EXPECT_EQ(map.find(4), nullptr);
  EXPECT_EQ((FlatMap<int, char>().find(1)), nullptr);
}

}  // namespace
}  // namespace loam
