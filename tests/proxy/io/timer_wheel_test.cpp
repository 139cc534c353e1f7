#include "proxy/io/timer_wheel.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "tests/support/fake_clock.h"

namespace loam::io {
namespace {

struct Recorded : Timer {
  Recorded(const Clock& time, std::vector<Monotonic>& fired)
      : Timer([](Timer& timer) {
          auto& self = static_cast<Recorded&>(timer);
          self.log.push_back(self.clock.now());
        }),
        clock(time),
        log(fired) {}
  const Clock& clock;
  std::vector<Monotonic>& log;
};

class TimerWheelTest : public testing::Test {
 protected:
  test::FakeClock clock;
  TimerWheel wheel{clock.now()};
  std::vector<Monotonic> fired;
};

TEST_F(TimerWheelTest, FiresOnceNeverEarlyAndAtMostATickLate) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    fired.clear();
    Recorded timer(clock, fired);
    const Monotonic due = clock.now() + milliseconds(random() % 40000);
    wheel.set(timer, due);
    while (fired.empty()) {
      ASSERT_GE(wheel.timeout(clock.now()), 0);
      clock.advance(milliseconds(1));
      wheel.advance(clock.now());
    }
    ASSERT_GE(fired.front(), due);
    ASSERT_LE(fired.front() - due, TimerWheel::kTick + milliseconds(1));
    ASSERT_EQ(wheel.size(), 0u);
  }
}

TEST_F(TimerWheelTest, TimeoutWaitsForTheNextSlotAndReachesEveryTimer) {
  EXPECT_EQ(wheel.timeout(clock.now()), -1);
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    fired.clear();
    Recorded timer(clock, fired);
    wheel.set(timer, clock.now() + milliseconds(random() % 60000));
    int waits = 0;
    while (fired.empty()) {
      const int timeout = wheel.timeout(clock.now());
      ASSERT_GE(timeout, 0);
      clock.advance(milliseconds(timeout));
      wheel.advance(clock.now());
      ASSERT_LT(++waits, 8);
    }
  }
}

TEST_F(TimerWheelTest, CancelledAndDestroyedTimersDoNotFire) {
  Recorded cancelled(clock, fired);
  wheel.set(cancelled, clock.now() + milliseconds(100));
  {
    Recorded gone(clock, fired);
    wheel.set(gone, clock.now() + milliseconds(100));
  }
  cancelled.cancel();
  clock.advance(std::chrono::seconds(1));
  wheel.advance(clock.now());
  EXPECT_TRUE(fired.empty());
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(TimerWheelTest, G10_ALongSuspendFiresEachTimerOnce) {
  std::vector<std::unique_ptr<Recorded>> timers;
  for (int i = 0; i < 100; ++i) {
    timers.push_back(std::make_unique<Recorded>(clock, fired));
    wheel.set(*timers.back(), clock.now() + std::chrono::seconds(i));
  }
  clock.advance(std::chrono::minutes(10));
  wheel.advance(clock.now());
  EXPECT_EQ(fired.size(), 100u);
}

struct Chain : Timer {
  explicit Chain(TimerWheel& on, Clock& time)
      : Timer([](Timer& timer) {
          auto& self = static_cast<Chain&>(timer);
          if (++self.count < 5) self.wheel.set(self, self.clock.now());
        }),
        wheel(on),
        clock(time) {}
  TimerWheel& wheel;
  Clock& clock;
  int count = 0;
};

TEST_F(TimerWheelTest, ACallbackMaySetItsTimerAgain) {
  Chain chain(wheel, clock);
  wheel.set(chain, clock.now());
  for (int i = 0; i < 10; ++i) {
    clock.advance(TimerWheel::kTick);
    wheel.advance(clock.now());
  }
  EXPECT_EQ(chain.count, 5);
}

}  // namespace
}  // namespace loam::io
