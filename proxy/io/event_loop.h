#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/result.h"
#include "proxy/io/mailbox.h"
#include "proxy/io/timer_wheel.h"

namespace loam::io {

class Socket;

/// One worker's loop: waits for descriptors and timers and resumes the coroutines that wait for them. A turn is:
/// epoll_wait, sockets, coroutines that yielded, posted messages, timers. Everything but post() and stop() belongs to
/// the thread that runs it.
class EventLoop {
 public:
  /// Fails when the kernel gives no epoll or event descriptor.
  static Result<std::unique_ptr<EventLoop>> make(const Clock& clock);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Turns until stop().
  void run();
  /// One turn that waits at most `atMost`; for tests and for programs that wait for one answer.
  void turn(milliseconds atMost);
  /// Any thread: run() returns after the turn that is under way.
  void stop();
  /// Any thread.
  void post(Mailbox::Message message) { mailbox_.post(std::move(message)); }

  /// Time at the top of this turn.
  Monotonic now() const { return now_; }
  const Clock& clock() const { return clock_; }
  TimerWheel& timers() { return timers_; }
  std::uint64_t turns() const { return turns_; }

  /// `co_await loop.yield()`: goes on in the next turn, after the others had theirs.
  auto yield() {
    struct Awaiter {
      EventLoop& loop;
      std::coroutine_handle<> waiting;
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) {
        waiting = handle;
        loop.yielded_.push_back(this->waiting);
      }
      void await_resume() noexcept { waiting = {}; }
      ~Awaiter() {
        if (waiting) loop.forget(waiting);
      }
    };
    return Awaiter{*this, {}};
  }

  /// `co_await loop.sleepUntil(time)`.
  auto sleepUntil(Monotonic due) {
    struct Awaiter : Timer {
      Awaiter(EventLoop& owner, Monotonic at)
          : Timer([](Timer& timer) { static_cast<Awaiter&>(timer).waiting.resume(); }), loop(owner), when(at) {}
      EventLoop& loop;
      Monotonic when;
      std::coroutine_handle<> waiting;
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) {
        waiting = handle;
        loop.timers().set(*this, when);
      }
      void await_resume() noexcept {}
    };
    return Awaiter(*this, due);
  }
  auto sleepFor(nanoseconds time) { return sleepUntil(now_ + std::chrono::duration_cast<Monotonic::duration>(time)); }

 private:
  friend class Socket;
  static constexpr std::size_t kBatch = 256;

  EventLoop(const Clock& clock, Descriptor epoll);
  /// Registers once, for both directions, edge-triggered: a relayed connection then needs no epoll_ctl again.
  Status watch(int fd, Socket* socket);
  /// Takes a socket out of the batch that is being handled.
  void forget(Socket* socket);
  void forget(std::coroutine_handle<> yielded);

  const Clock& clock_;
  Descriptor epoll_;
  Mailbox mailbox_;
  Monotonic now_;
  TimerWheel timers_;
  std::array<epoll_event, kBatch> events_{};
  int eventCount_ = 0;
  int eventNext_ = 0;
  std::vector<std::coroutine_handle<>> yielded_;
  std::vector<std::coroutine_handle<>> resuming_;
  std::uint64_t turns_ = 0;
  std::atomic<bool> stopping_{false};
};

}  // namespace loam::io
