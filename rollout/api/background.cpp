#include "rollout/api/background.h"

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "rollout/api/problem.h"

namespace loam::api {

/// What both threads hold: `waiting` is the loop's, `response` goes over with the message that says it is done.
struct Background::Job {
  Work work;
  std::optional<http::Response> response;
  std::coroutine_handle<> waiting;
};

class Background::Wait {
 public:
  Wait(Background& thread, Work work) : thread_(thread), job_(std::make_shared<Job>()) { job_->work = std::move(work); }
  ~Wait() { job_->waiting = {}; }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    job_->waiting = handle;
    thread_.enqueue([job = job_, &loop = thread_.loop_] {
      try {
        job->response = job->work();
      } catch (const std::exception& thrown) {
        job->response = problem(500, "internal", thrown.what());
      }
      loop.post([job] {
        if (job->waiting) std::exchange(job->waiting, {}).resume();
      });
    });
  }
  http::Response await_resume() { return *std::move(job_->response); }

 private:
  Background& thread_;
  std::shared_ptr<Job> job_;
};

Background::Background(io::EventLoop& loop) : loop_(loop), thread_([this] { work(); }) {}

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

io::Task<http::Response> Background::run(Work work) {
  Wait wait(*this, std::move(work));
  http::Response response = co_await wait;
  co_return response;
}

std::size_t Background::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size() + (busy_ ? 1 : 0);
}

void Background::enqueue(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Background::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    auto job = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    busy_ = false;
  }
}

}  // namespace loam::api
