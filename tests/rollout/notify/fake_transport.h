#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "rollout/notify/transport.h"

namespace loam::notify::test {

/// A receiver that answers as it is told: what stands in `answers` first, then always `usual`.
struct FakeReceiver {
  Result<Answer> usual = Answer{.status = 200};
  std::deque<Result<Answer>> answers;
  std::vector<Post> posts;  ///< that came
  std::function<void()> atEach;

  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (const Post& post : posts) out.push_back(post.id);
    return out;
  }
};

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(FakeReceiver& receiver) : receiver_(receiver) {}

  io::Task<Result<Answer>> send(Post post, Monotonic) override {
    receiver_.posts.push_back(std::move(post));
    if (receiver_.atEach) receiver_.atEach();
    Result<Answer> answer = receiver_.usual;
    if (!receiver_.answers.empty()) {
      answer = receiver_.answers.front();
      receiver_.answers.pop_front();
    }
    co_return answer;
  }

 private:
  FakeReceiver& receiver_;
};

}  // namespace loam::notify::test
