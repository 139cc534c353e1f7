#include "rollout/api/background.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "proxy/io/task_scope.h"

namespace loam::api {
namespace {

class BackgroundTest : public testing::Test {
 protected:
  void turnUntil(const std::function<bool()>& done) {
    for (int i = 0; i < 1000 && !done(); ++i) loop->turn(milliseconds(5));
  }

  SystemClock clock;
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
};

io::Task<void> runInto(Background& background, Background::Work work, std::vector<std::string>& out) {
  const http::Response response = co_await background.run(std::move(work));
  out.push_back(response.body);
}

TEST_F(BackgroundTest, RunsElsewhereInOrderAndAnswersHere) {
  Background background(*loop);
  io::TaskScope scope;
  std::vector<std::string> answers;
  std::atomic<bool> elsewhere = true;
  const auto here = std::this_thread::get_id();
  for (int i = 0; i < 50; ++i) {
    scope.spawn(runInto(
        background,
        [&, i] {
          elsewhere = elsewhere && std::this_thread::get_id() != here;
          return http::Response{.body = std::to_string(i)};
        },
        answers));
  }
  turnUntil([&] { return answers.size() == 50; });
  ASSERT_EQ(answers.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(answers[static_cast<std::size_t>(i)], std::to_string(i));
  EXPECT_TRUE(elsewhere);
}

TEST_F(BackgroundTest, AnExceptionIsAProblem) {
  Background background(*loop);
  io::TaskScope scope;
  std::vector<std::string> answers;
  scope.spawn(runInto(
      background, []() -> http::Response { throw std::runtime_error("out of luck"); }, answers));
  turnUntil([&] { return !answers.empty(); });
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_NE(answers[0].find("out of luck"), std::string::npos);
}

TEST_F(BackgroundTest, ADroppedTaskIsNotResumed) {
  Background background(*loop);
  std::vector<std::string> answers;
  std::atomic<bool> ran = false;
  {
    io::TaskScope scope;
    scope.spawn(runInto(
        background,
        [&] {
          ran = true;
          return http::Response{};
        },
        answers));
  }
  turnUntil([&] { return ran.load() && background.waiting() == 0; });
  loop->turn(milliseconds(20));
  EXPECT_TRUE(answers.empty());
}

}  // namespace
}  // namespace loam::api
