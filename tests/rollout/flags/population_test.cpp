#include "rollout/flags/population.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "proxy/base/stable_hash.h"

namespace loam::flags {
namespace {

std::vector<std::string> units(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back("unit-" + std::to_string(i));
  return all;
}

Flag flagAt(Share share) {
  Flag flag;
  flag.salt = "salt";
  flag.share = share;
  return flag;
}

TEST(PopulationTest, CountsHeadsInSmallPopulations) {
  EXPECT_EQ(membersOf(0, 8), 0u);
  EXPECT_EQ(membersOf(10'000, 8), 1u);  // 10 % of eight
  EXPECT_EQ(membersOf(1, 8), 1u);       // never none of some
  EXPECT_EQ(membersOf(50'000, 3), 2u);
  EXPECT_EQ(membersOf(kWhole, 8), 8u);
  for (const std::size_t count : {1u, 2u, 8u, 50u, 199u}) {
    for (const Share share : {0, 1, 1000, 10'000, 25'000, 50'000, 99'999, kWhole}) {
      EXPECT_EQ(switched(flagAt(share), units(count)).size(), membersOf(share, count)) << count << " at " << share;
    }
  }
}

TEST(PopulationTest, GoesByBucketsInGreatOnes) {
  const auto all = units(5000);
  const auto in = switched(flagAt(10'000), all);
  for (const std::string& unit : all) {
    EXPECT_EQ(std::count(in.begin(), in.end(), unit) == 1, bucketOf("salt", unit) < 10'000) << unit;
  }
  EXPECT_GT(in.size(), 400u);
  EXPECT_LT(in.size(), 600u);
}

TEST(PopulationTest, KeepsWhomASmallerShareHad) {
  for (const std::size_t count : {7u, 150u, 1000u}) {
    std::vector<std::string> before;
    for (Share share = 0; share <= kWhole; share += 2500) {
      const auto now = switched(flagAt(share), units(count));
      ASSERT_GE(now.size(), before.size());
      EXPECT_TRUE(std::equal(before.begin(), before.end(), now.begin())) << count << " at " << share;
      before = now;
    }
    EXPECT_EQ(before.size(), count);
  }
}

TEST(PopulationTest, IncludesAndExcludesWhateverTheShareSays) {
  Flag flag = flagAt(0);
  flag.include = {"unit-3", "unit-5"};
  flag.exclude = {"unit-5"};
  EXPECT_EQ(switched(flag, units(8)), std::vector<std::string>{"unit-3"});
  flag.share = kWhole;
  const auto in = switched(flag, units(8));
  EXPECT_EQ(in.front(), "unit-3");
  EXPECT_EQ(std::count(in.begin(), in.end(), "unit-5"), 0);
  EXPECT_EQ(in.size(), 7u);
}

TEST(PopulationTest, DoesNotCareForOrderAndRepetition) {
  std::vector<std::string> shuffled = units(40);
  const auto in = switched(flagAt(30'000), shuffled);
  std::reverse(shuffled.begin(), shuffled.end());
  shuffled.push_back("unit-1");
  EXPECT_EQ(switched(flagAt(30'000), shuffled), in);
}

}  // namespace
}  // namespace loam::flags
