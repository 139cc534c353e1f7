#include "proxy/base/nearest.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(NearestTest, FindsTyposAndPrefixesBestFirst) {
  const std::vector<std::string> names = {"checkout", "cart", "catalog", "chekout-v2"};
  EXPECT_EQ(nearest("chekcout", names), (std::vector<std::string>{"checkout"}));
  EXPECT_EQ(nearest("ca", names), (std::vector<std::string>{"cart", "catalog"}));
  EXPECT_EQ(nearest("CART", names), (std::vector<std::string>{"cart"}));
  EXPECT_TRUE(nearest("zzzzzz", names).empty());
  EXPECT_TRUE(nearest("", names).empty());
}

TEST(NearestTest, HintReadsLikeAQuestion) {
  const std::vector<std::string> names = {"workers"};
  EXPECT_EQ(didYouMean("worker", names), " (did you mean workers?)");
  EXPECT_EQ(didYouMean("x", names), "");
}

}  // namespace
}  // namespace loam
