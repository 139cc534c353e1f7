#include "proxy/io/event_loop.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "proxy/io/task_scope.h"

namespace loam::io {
namespace {

TEST(EventLoopTest, StopFromAnotherThreadEndsRun) {
  const SystemClock clock;
  auto loop = *EventLoop::make(clock);
  std::thread other([&] { loop->stop(); });
  loop->run();
  other.join();
}

TEST(EventLoopTest, PostedMessagesRunInOrderOnTheLoopsThread) {
  const SystemClock clock;
  auto loop = *EventLoop::make(clock);
  std::vector<int> seen;
  const auto home = std::this_thread::get_id();
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) {
      loop->post([&, i] {
        EXPECT_EQ(std::this_thread::get_id(), home);
        seen.push_back(i);
      });
    }
    loop->stop();
  });
  loop->run();
  other.join();
  loop->turn(milliseconds(0));
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

Task<void> sleepThenMark(EventLoop& loop, milliseconds time, std::vector<int>& order, int mark) {
  co_await loop.sleepFor(time);
  order.push_back(mark);
}

TEST(EventLoopTest, SleepersWakeInTheOrderOfTheirTimes) {
  const SystemClock clock;
  auto loop = *EventLoop::make(clock);
  std::vector<int> order;
  TaskScope scope;
  scope.spawn(sleepThenMark(*loop, milliseconds(90), order, 3));
  scope.spawn(sleepThenMark(*loop, milliseconds(10), order, 1));
  scope.spawn(sleepThenMark(*loop, milliseconds(50), order, 2));
  while (scope.size() != 0) loop->turn(milliseconds(100));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

}  // namespace
}  // namespace loam::io
