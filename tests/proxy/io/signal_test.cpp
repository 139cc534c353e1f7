#include "proxy/io/signal.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "proxy/io/task_scope.h"

namespace loam::io {
namespace {

Task<void> await(Signal& signal, Monotonic deadline, std::optional<bool>& raised) {
  raised = co_await signal.until(deadline);
}

class SignalTest : public testing::Test {
 protected:
  void turnUntilAnswered() {
    for (int i = 0; i < 500 && !raised; ++i) loop->turn(milliseconds(10));
  }
  SystemClock clock;
  std::unique_ptr<EventLoop> loop = *EventLoop::make(clock);
  std::optional<bool> raised;
};

TEST_F(SignalTest, AnotherThreadWakesTheWaiter) {
  Signal signal(*loop);
  TaskScope scope;
  scope.spawn(await(signal, clock.now() + seconds(20), raised));
  std::thread other(signal.raiser());
  turnUntilAnswered();
  other.join();
  EXPECT_EQ(raised, true);
  EXPECT_EQ(loop->timers().size(), 0u);
}

TEST_F(SignalTest, TheDeadlineEndsTheWait) {
  Signal signal(*loop);
  TaskScope scope;
  scope.spawn(await(signal, clock.now() + milliseconds(20), raised));
  turnUntilAnswered();
  EXPECT_EQ(raised, false);
}

TEST_F(SignalTest, RaisingAfterTheWaiterWentDoesNothing) {
  std::function<void()> late;
  {
    Signal signal(*loop);
    late = signal.raiser();
    TaskScope scope;
    scope.spawn(await(signal, clock.now() + seconds(20), raised));
  }
  late();
  loop->turn(milliseconds(0));
  EXPECT_FALSE(raised.has_value());
}

}  // namespace
}  // namespace loam::io
