#include "proxy/filters/source_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"

namespace loam::filters {
namespace {

using Answer = SourceTable::Answer;

IpAddress source(std::uint32_t number) {
  return IpAddress::v4({10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                        static_cast<std::uint8_t>(number)});
}

class SourceTableTest : public testing::Test {
 protected:
  Answer take(std::uint32_t number, const SourceBounds& bounds) {
    return table_->take(source(number), bounds, clock_.now(), last_);
  }

  const std::unique_ptr<SourceTable> table_ = std::make_unique<SourceTable>(7);
  test::FakeClock clock_;
  SourceTable::Place last_ = 0;
};

TEST_F(SourceTableTest, CountsEachSourceUpToItsBound) {
  const SourceBounds two{.open = 2};
  EXPECT_EQ(take(1, two), Answer::Taken);
  EXPECT_EQ(take(1, two), Answer::Taken);
  EXPECT_EQ(take(1, two), Answer::TooMany);
  EXPECT_EQ(table_->open(source(1)), 2U);
  EXPECT_EQ(take(2, two), Answer::Taken) << "another one has a count of its own";
  EXPECT_EQ(take(1, SourceBounds{}), Answer::Taken) << "without bounds it is only counted";
  table_->release(last_);
  table_->release(last_);
  EXPECT_EQ(take(1, two), Answer::Taken);
}

TEST_F(SourceTableTest, LetsABurstThroughAndThenThePace) {
  const SourceBounds bounds{.apart = milliseconds(100), .ahead = milliseconds(200)};  // 10/s, a burst of 3
  for (int i = 0; i < 3; ++i) EXPECT_EQ(take(1, bounds), Answer::Taken) << i;
  EXPECT_EQ(take(1, bounds), Answer::TooFast);
  clock_.advance(milliseconds(99));
  EXPECT_EQ(take(1, bounds), Answer::TooFast);
  clock_.advance(milliseconds(1));
  EXPECT_EQ(take(1, bounds), Answer::Taken) << "what was refused cost nothing";
  EXPECT_EQ(take(1, bounds), Answer::TooFast);
  EXPECT_EQ(table_->open(source(1)), 4U) << "nor is it counted as open";
  clock_.advance(seconds(60));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(take(1, bounds), Answer::Taken) << "no more than a burst is saved up";
  EXPECT_EQ(take(1, bounds), Answer::TooFast);
}

TEST_F(SourceTableTest, IsFullOfTheLivingAloneAndSaysSo) {
  std::vector<SourceTable::Place> places;
  std::uint32_t number = 0;
  std::uint32_t without = 0;
  for (; places.size() < SourceTable::kSets * SourceTable::kWays && number < 200'000; ++number) {
    const Answer answer = take(number, {});
    if (answer == Answer::Taken) places.push_back(last_);
    without += answer == Answer::NoPlace ? 1 : 0;
  }
  EXPECT_EQ(places.size(), SourceTable::kSets * SourceTable::kWays);
  EXPECT_GT(without, 0U);
  for (const auto place : places) table_->release(place);
  for (std::uint32_t other = number; other < number + 1000; ++other) EXPECT_EQ(take(other, {}), Answer::Taken);
}

TEST_F(SourceTableTest, WhoIsAheadOfItsPaceKeepsItsPlaceThoughNothingIsOpen) {
  const SourceBounds slow{.apart = std::chrono::minutes(1)};
  ASSERT_EQ(take(1, slow), Answer::Taken);
  table_->release(last_);
  std::vector<SourceTable::Place> places;
  for (std::uint32_t number = 2; number < 50'000; ++number) {
    if (take(number, {}) == Answer::Taken) places.push_back(last_);
  }
  EXPECT_EQ(take(1, slow), Answer::TooFast);
  clock_.advance(std::chrono::minutes(1));
  EXPECT_EQ(take(1, slow), Answer::Taken);
}

TEST_F(SourceTableTest, NeverMoreThanTheBoundAreOpenHoweverManyThreadsAsk) {
  constexpr std::uint32_t kMost = 3;
  constexpr std::uint32_t kSources = 4;
  std::array<std::atomic<std::uint32_t>, kSources> open{};
  std::atomic<std::uint32_t> exceeded{0};
  std::atomic<std::uint32_t> taken{0};
  const auto churn = [&](std::uint32_t seed) {
    std::vector<std::pair<std::uint32_t, SourceTable::Place>> held;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      const std::uint32_t which = (i * 7 + seed) % kSources;
      SourceTable::Place place = 0;
      if (table_->take(source(which), {.open = kMost}, Monotonic(), place) == Answer::Taken) {
        if (++open[which] > kMost) ++exceeded;
        ++taken;
        held.emplace_back(which, place);
      }
      if (held.size() > 2 || (i % 3 == 0 && !held.empty())) {
        --open[held.front().first];
        table_->release(held.front().second);
        held.erase(held.begin());
      }
    }
    for (const auto& [which, place] : held) {
      --open[which];
      table_->release(place);
    }
  };
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < 4; ++i) threads.emplace_back(churn, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(exceeded, 0U);
  EXPECT_GT(taken, 1000U);
  for (std::uint32_t which = 0; which < kSources; ++which) EXPECT_EQ(table_->open(source(which)), 0U);
}

}  // namespace
}  // namespace loam::filters
