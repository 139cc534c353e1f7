#include "proxy/upstream/retry_budget.h"

#include <gtest/gtest.h>

#include <deque>

#include "proxy/upstream/backoff.h"
#include "tests/support/fake_clock.h"

namespace loam::upstream {
namespace {

class RetryBudgetTest : public testing::Test {
 protected:
  RetryBudget budget(RetryBudgetTerms terms) { return {terms, service}; }
  /// Repeats that are granted when each of so many exchanges wants up to `attempts`.
  int storm(const RetryBudget& of, int exchanges, nanoseconds apart, int attempts = 3) {
    int granted = 0;
    for (int i = 0; i < exchanges; ++i, clock.advance(apart)) {
      of.onExchange(clock.now());
      for (int attempt = 0; attempt < attempts; ++attempt) granted += of.mayRepeat(clock.now()) ? 1 : 0;
    }
    return granted;
  }

  test::FakeClock clock;
  std::shared_ptr<ServiceState> service = std::make_shared<ServiceState>();
};

TEST_F(RetryBudgetTest, G13_WithEverythingFailingTheLoadGrowsByTheRatioAndTheMinimum) {
  const RetryBudget of = budget({.ratio = 0.1, .minPerSecond = 1});
  const int granted = storm(of, 100'000, milliseconds(1));  // 100 s, a thousand a second
  EXPECT_LE(granted, 100'000 * 0.1 + (100 + 10) * 1);
  EXPECT_GE(granted, 100'000 * 0.1);
  EXPECT_EQ(service->withheld.load(), 300'000u - static_cast<unsigned>(granted));
}

TEST_F(RetryBudgetTest, NoWindowHasMoreThanItMay) {
  const RetryBudget of = budget({.ratio = 0.2, .minPerSecond = 2, .window = seconds(5)});
  Dice dice(3);
  std::deque<Monotonic> exchanges;
  std::deque<Monotonic> repeats;
  const auto forget = [&](std::deque<Monotonic>& times) {
    while (!times.empty() && times.front() <= clock.now() - seconds(5)) times.pop_front();
  };
  for (int i = 0; i < 20'000; ++i) {
    clock.advance(milliseconds(dice.below(20) == 0 ? dice.below(3000) : dice.below(10)));
    of.onExchange(clock.now());
    exchanges.push_back(clock.now());
    if (dice.below(3) == 0 && of.mayRepeat(clock.now())) repeats.push_back(clock.now());
    forget(exchanges);
    forget(repeats);
    // What was counted in a slot that has just gone may stand in an exact window still: a tenth of it.
    EXPECT_LE(static_cast<double>(repeats.size()), (0.2 * static_cast<double>(exchanges.size()) + 10) * 2);
  }
}

TEST_F(RetryBudgetTest, TheMinimumIsThereWithoutAnyLoad) {
  const RetryBudget of = budget({.ratio = 0.1, .minPerSecond = 1});
  int granted = 0;
  for (int i = 0; i < 50; ++i) granted += of.mayRepeat(clock.now()) ? 1 : 0;
  EXPECT_EQ(granted, 10) << "that of a window";
  clock.advance(seconds(9));
  EXPECT_FALSE(of.mayRepeat(clock.now()));
  clock.advance(seconds(1));
  EXPECT_TRUE(of.mayRepeat(clock.now()));
}

TEST_F(RetryBudgetTest, WithoutAMinimumTheRatioAlone) {
  const RetryBudget of = budget({.ratio = 0.1, .minPerSecond = 0});
  EXPECT_FALSE(of.mayRepeat(clock.now()));
  EXPECT_EQ(storm(of, 9, milliseconds(1)), 0);
  EXPECT_EQ(storm(of, 1, milliseconds(1)), 1) << "the tenth pays for one";
  clock.advance(seconds(30));
  EXPECT_FALSE(of.mayRepeat(clock.now())) << "old load pays for nothing";
}

TEST_F(RetryBudgetTest, WhatWasCountedOutlivesTheSnapshot) {
  const RetryBudgetTerms terms{.ratio = 0, .minPerSecond = 1};
  EXPECT_EQ(storm(budget(terms), 10, nanoseconds(0)), 10);
  EXPECT_EQ(storm(budget(terms), 10, nanoseconds(0)), 0);
}

TEST_F(RetryBudgetTest, AWeekOfSilenceIsForgotten) {
  const RetryBudget of = budget({.ratio = 0, .minPerSecond = 1});
  EXPECT_EQ(storm(of, 10, nanoseconds(0)), 10);
  for (int day = 0; day < 7; ++day) {
    clock.advance(std::chrono::hours(24));
    EXPECT_EQ(storm(of, 10, nanoseconds(0)), 10);
  }
}

TEST(BackoffTest, IsDrawnFromNothingToABoundThatDoubles) {
  const BackoffTerms terms{.base = milliseconds(25), .most = milliseconds(150)};
  Dice dice(5);
  const milliseconds bounds[] = {milliseconds(25), milliseconds(50), milliseconds(100), milliseconds(150),
                                 milliseconds(150)};
  for (std::uint32_t repeat = 0; repeat < 5; ++repeat) {
    double sum = 0;
    nanoseconds longest{0};
    for (int i = 0; i < 20'000; ++i) {
      const nanoseconds wait = backoff(terms, repeat, dice);
      EXPECT_GE(wait.count(), 0);
      longest = std::max(longest, wait);
      sum += static_cast<double>(wait.count());
    }
    const auto bound = static_cast<double>(nanoseconds(bounds[repeat]).count());
    EXPECT_LT(static_cast<double>(longest.count()), bound);
    EXPECT_GT(static_cast<double>(longest.count()), 0.99 * bound);
    EXPECT_NEAR(sum / 20'000, bound / 2, bound / 100);
  }
  EXPECT_LE(backoff(terms, UINT32_MAX, dice), milliseconds(150));
}

}  // namespace
}  // namespace loam::upstream
