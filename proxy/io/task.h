#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "proxy/base/assert.h"
#include "proxy/io/frame_pool.h"

namespace loam::io {

template <class T>
class Task;

namespace detail {

/// What every task's promise shares: who goes on when it is done. Starts lazily; an escaping exception is a bug.
class TaskPromise {
 public:
  static void* operator new(std::size_t bytes) { return allocateFrame(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { freeFrame(frame, bytes); }

  /// Goes on with whoever awaits. A task that finishes while it is being started has nobody yet: its awaiter sees that
  /// it is done and never suspends, so that a million such completions in a row use one stack frame. No symmetric
  /// transfer: g++ 12 makes it a tail call only at -O2 and without a sanitizer.
  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> done) noexcept {
      if (const auto next = done.promise().continuation_) next.resume();
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }

 protected:
  template <class T>
  friend class loam::io::Task;
  std::coroutine_handle<> continuation_;
};

template <class T>
class ValuePromise : public TaskPromise {
 public:
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() { return std::move(*value_); }

 private:
  std::optional<T> value_;
};

class VoidPromise : public TaskPromise {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() noexcept {}
};

}  // namespace detail

/// A lazily started coroutine that is awaited once. Dropping it cancels it: its frame goes, and with it whatever it
/// waits for. Belongs to one thread.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = std::conditional_t<std::is_void_v<T>, detail::VoidPromise, detail::ValuePromise<T>>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      drop();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { drop(); }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    LOAM_ASSERT(handle_ && !handle_.done());
    handle_.resume();
    if (handle_.done()) return false;
    handle_.promise().continuation_ = awaiting;
    return true;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  void drop() {
    if (handle_) std::exchange(handle_, {}).destroy();
  }

  Handle handle_;
};

namespace detail {

template <class T>
Task<T> ValuePromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<ValuePromise<T>>::from_promise(*this));
}

inline Task<void> VoidPromise::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<VoidPromise>::from_promise(*this));
}

}  // namespace detail

}  // namespace loam::io
