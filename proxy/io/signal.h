#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <utility>

#include "proxy/io/event_loop.h"

namespace loam::io {

/// Something that another thread will say once: `raiser()` goes to that thread, `co_await signal.until(deadline)` waits
/// for it. Made, awaited and dropped on the loop's thread; the loop outlives the raiser.
class Signal {
 public:
  explicit Signal(EventLoop& loop) : loop_(loop), state_(std::make_shared<State>()) {}

  /// Any thread may call what this gives, also when nobody waits any more.
  std::function<void()> raiser() const {
    return [&loop = loop_, state = state_] {
      loop.post([state] {
        state->raised = true;
        if (const auto waiting = std::exchange(state->waiting, {})) waiting.resume();
      });
    };
  }

  auto until(Monotonic deadline) {
    struct Wait : Timer {
      Wait(EventLoop& owner, std::shared_ptr<State> shared, Monotonic at)
          : Timer([](Timer& timer) { std::exchange(static_cast<Wait&>(timer).state->waiting, {}).resume(); }),
            loop(owner),
            state(std::move(shared)),
            due(at) {}
      ~Wait() { state->waiting = {}; }
      bool await_ready() const noexcept { return state->raised; }
      void await_suspend(std::coroutine_handle<> handle) {
        state->waiting = handle;
        loop.timers().set(*this, due);
      }
      /// True when it was raised, false when the deadline came first.
      bool await_resume() noexcept {
        cancel();
        return state->raised;
      }
      EventLoop& loop;
      std::shared_ptr<State> state;
      Monotonic due;
    };
    return Wait(loop_, state_, deadline);
  }

 private:
  struct State {
    bool raised = false;
    std::coroutine_handle<> waiting;
  };

  EventLoop& loop_;
  std::shared_ptr<State> state_;
};

}  // namespace loam::io
