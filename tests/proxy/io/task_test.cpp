#include "proxy/io/task.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/task_scope.h"

namespace loam::io {
namespace {

Task<int> immediately(int value) { co_return value; }

Task<void> addMany(std::uint64_t times, std::uint64_t& sum, std::vector<char*>& stack) {
  for (std::uint64_t i = 0; i < times; ++i) {
    const int value = co_await immediately(1);
    sum += static_cast<std::uint64_t>(value);
    if (i % 100000 == 0) {
      char here = 0;
      stack.push_back(&here);
    }
  }
}

TEST(TaskTest, AMillionSynchronousCompletionsDoNotGrowTheStack) {
  std::uint64_t sum = 0;
  std::vector<char*> stack;
  TaskScope scope;
  scope.spawn(addMany(1'000'000, sum, stack));
  EXPECT_EQ(sum, 1'000'000u);
  for (char* at : stack) EXPECT_LT(std::abs(at - stack.front()), 4096);
  EXPECT_EQ(scope.size(), 0u);
}

struct Tracker {
  explicit Tracker(int& count) : count_(&count) { ++*count_; }
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;
  ~Tracker() { --*count_; }
  int* count_;
};

Task<void> innermost(EventLoop& loop, int& alive) {
  const Tracker tracker(alive);
  co_await loop.sleepFor(std::chrono::hours(1));
}

Task<void> outer(EventLoop& loop, int& alive) {
  const Tracker tracker(alive);
  co_await innermost(loop, alive);
}

TEST(TaskTest, DroppingATaskCancelsWhatItAwaits) {
  const SystemClock clock;
  auto loop = *EventLoop::make(clock);
  int alive = 0;
  {
    TaskScope scope;
    scope.spawn(outer(*loop, alive));
    EXPECT_EQ(alive, 2);
    EXPECT_EQ(loop->timers().size(), 1u);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(loop->timers().size(), 0u);
}

TEST(TaskTest, ATaskThatWasNeverStartedCostsNothingToDrop) {
  int alive = 0;
  const SystemClock clock;
  auto loop = *EventLoop::make(clock);
  { const Task<void> task = outer(*loop, alive); }
  EXPECT_EQ(alive, 0);
}

Task<void> yieldForever(EventLoop& loop, int& turns) {
  for (;;) {
    ++turns;
    co_await loop.yield();
  }
}

TEST(TaskTest, YieldingTasksShareTheLoop) {
  const SystemClock clock;
  auto loop = *EventLoop::make(clock);
  int first = 0;
  int second = 0;
  TaskScope scope;
  scope.spawn(yieldForever(*loop, first));
  scope.spawn(yieldForever(*loop, second));
  for (int i = 0; i < 10; ++i) loop->turn(milliseconds(0));
  EXPECT_EQ(first, 11);
  EXPECT_EQ(second, 11);
}

Task<std::unique_ptr<int>> moveOnly() { co_return std::make_unique<int>(7); }

Task<void> take(int& out) {
  const auto value = co_await moveOnly();
  out = *value;
}

TEST(TaskTest, CarriesMoveOnlyValues) {
  int out = 0;
  TaskScope scope;
  scope.spawn(take(out));
  EXPECT_EQ(out, 7);
}

Task<void> cancelOther(EventLoop& loop, std::unique_ptr<TaskScope>& other) {
  co_await loop.sleepFor(milliseconds(1));
  other.reset();
}

TEST(TaskTest, OneTaskMayCancelOthersThatAreDueInTheSameTurn) {
  const SystemClock clock;
  auto loop = *EventLoop::make(clock);
  int turns = 0;
  int alive = 0;
  auto other = std::make_unique<TaskScope>();
  TaskScope scope;
  scope.spawn(cancelOther(*loop, other));
  other->spawn(outer(*loop, alive));
  other->spawn(yieldForever(*loop, turns));
  while (other) loop->turn(milliseconds(50));
  EXPECT_EQ(alive, 0);
  const int before = turns;
  loop->turn(milliseconds(0));
  EXPECT_EQ(turns, before);
}

}  // namespace
}  // namespace loam::io
