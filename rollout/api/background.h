#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "proxy/http/message.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/task.h"

namespace loam::api {

/// A thread for work that blocks (SQLite), so that the loop that serves never does. Work runs in order, one at a time;
/// what waits is bounded by the connections of the server. Made, used and dropped on the loop's thread.
class Background {
 public:
  using Work = std::function<http::Response()>;

  /// `loop` outlives it.
  explicit Background(io::EventLoop& loop);
  /// Waits for the work under way; what is queued is dropped.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Runs `work` there and goes on with its answer here; an exception becomes a problem 500. `work` owns what it
  /// touches: a dropped task does not stop it.
  io::Task<http::Response> run(Work work);
  /// Queued and under way.
  std::size_t waiting() const;

 private:
  struct Job;
  class Wait;

  void enqueue(std::function<void()> job);
  void work();

  io::EventLoop& loop_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool busy_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace loam::api
