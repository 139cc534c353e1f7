#include "proxy/guard/dead_man.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace loam::guard {
namespace {

using Decision = DeadMan::Decision;

/// Moves time in the guard's steps of 250 ms; workers beat every 500 ms unless they are told to stop.
class DeadManTest : public ::testing::Test {
 protected:
  static constexpr milliseconds kStep{250};

  void engage(std::size_t workers) {
    counters_.assign(workers, 1);
    stopped_.assign(workers, false);
    deadMan_.engage(now_, counters_);
  }
  Decision step() {
    now_ += kStep;
    if (++steps_ % 2 == 0) {
      for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i] += stopped_[i] ? 0 : 1;
    }
    return deadMan_.step(now_, counters_);
  }
  /// Steps until `wanted` is decided; the time that took, or -1 ms within a minute.
  milliseconds until(Decision wanted) {
    const Monotonic start = now_;
    while (now_ - start < seconds(60)) {
      if (step() == wanted) return std::chrono::duration_cast<milliseconds>(now_ - start);
    }
    return milliseconds(-1);
  }

  DeadMan deadMan_;
  Monotonic now_{seconds(1000)};
  unsigned steps_ = 0;
  std::vector<std::uint64_t> counters_;
  std::vector<bool> stopped_;
};

TEST_F(DeadManTest, ComesAliveAtOnceWhenEveryWorkerHasBeaten) {
  engage(2);
  EXPECT_EQ(deadMan_.step(now_, counters_), Decision::Renew);
  EXPECT_TRUE(deadMan_.alive());
}

TEST_F(DeadManTest, WaitsForAWorkerThatHasNeverBeaten) {
  counters_ = {5, 0};
  deadMan_.engage(now_, counters_);
  EXPECT_EQ(deadMan_.step(now_, counters_), Decision::Nothing);
  EXPECT_EQ(deadMan_.silent(now_), std::vector<unsigned>{1});
  counters_[1] = 1;
  EXPECT_EQ(deadMan_.step(now_, counters_), Decision::Renew);
}

TEST_F(DeadManTest, ASuccessorsWorkersHaveTheSilencesTimeToBeatFirst) {
  engage(2);
  until(Decision::Renew);
  counters_ = {0, 0};
  deadMan_.engage(now_, counters_);
  EXPECT_TRUE(deadMan_.alive());
  stopped_ = {true, true};
  EXPECT_EQ(until(Decision::Revoke), DeadMan::kSilence);
}

TEST_F(DeadManTest, RenewsOnceASecondWhileAllBeat) {
  engage(4);
  EXPECT_EQ(deadMan_.step(now_, counters_), Decision::Renew);
  int renewals = 0;
  for (int i = 0; i < 40; ++i) {
    const Decision decision = step();
    EXPECT_NE(decision, Decision::Revoke);
    renewals += decision == Decision::Renew ? 1 : 0;
  }
  EXPECT_EQ(renewals, 10);
}

TEST_F(DeadManTest, G6_AnyOneSilentWorkerRevokesWithinThreeSeconds) {
  for (std::size_t silent = 0; silent < 3; ++silent) {
    engage(3);
    until(Decision::Renew);
    stopped_[silent] = true;
    const milliseconds took = until(Decision::Revoke);
    EXPECT_GT(took, milliseconds(0));
    EXPECT_LE(took, milliseconds(2000));
    EXPECT_EQ(deadMan_.silent(now_), std::vector<unsigned>{static_cast<unsigned>(silent)});
    deadMan_.disengage();
  }
}

TEST_F(DeadManTest, NeverRenewsWhileAWorkerIsSilentAndRevokesOnce) {
  engage(2);
  until(Decision::Renew);
  stopped_[1] = true;
  until(Decision::Revoke);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(step(), Decision::Nothing);
}

TEST_F(DeadManTest, ComesBackWhenTheWorkerDoes) {
  engage(2);
  until(Decision::Renew);
  stopped_[1] = true;
  until(Decision::Revoke);
  stopped_[1] = false;
  EXPECT_LE(until(Decision::Renew), milliseconds(750));
}

TEST_F(DeadManTest, G10_AGuardThatSleptForgivesWhatItDidNotSee) {
  engage(2);
  until(Decision::Renew);
  now_ += std::chrono::minutes(10);
  counters_ = {9000, 9000};
  EXPECT_EQ(deadMan_.step(now_, counters_), Decision::Renew);
}

TEST_F(DeadManTest, ACutHeartbeatPageIsSilence) {
  engage(2);
  until(Decision::Renew);
  EXPECT_EQ(deadMan_.step(now_ + kStep, std::vector<std::uint64_t>{counters_[0] + 1}), Decision::Revoke);
}

TEST_F(DeadManTest, AFailedRenewalIsTriedAgainAtTheNextStep) {
  engage(1);
  EXPECT_EQ(until(Decision::Renew), kStep);
  deadMan_.failed();
  EXPECT_FALSE(deadMan_.alive());
  EXPECT_EQ(step(), Decision::Renew);
}

TEST_F(DeadManTest, DecidesNothingWhenNobodyIsEngaged) {
  EXPECT_EQ(deadMan_.step(now_, {}), Decision::Nothing);
  engage(1);
  until(Decision::Renew);
  deadMan_.disengage();
  EXPECT_FALSE(deadMan_.alive());
  EXPECT_EQ(step(), Decision::Nothing);
}

}  // namespace
}  // namespace loam::guard
