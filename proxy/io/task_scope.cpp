#include "proxy/io/task_scope.h"

namespace loam::io {

/// The coroutine around a spawned task: linked into its scope while it lives, destroying itself at its end.
struct TaskScope::Detached {
  struct promise_type : Link {
    promise_type(TaskScope& owner, Task<void>&) : scope(owner) {
      previous = scope.first_.previous;
      next = &scope.first_;
      previous->next = this;
      scope.first_.previous = this;
      ++scope.size_;
    }
    ~promise_type() {
      previous->next = next;
      next->previous = previous;
      --scope.size_;
    }
    promise_type(const promise_type&) = delete;
    promise_type& operator=(const promise_type&) = delete;

    static void* operator new(std::size_t bytes) { return allocateFrame(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept { freeFrame(frame, bytes); }
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }

    TaskScope& scope;
  };
};

TaskScope::Detached TaskScope::hold(Task<void> task) { co_await task; }

void TaskScope::spawn(Task<void> task) { hold(std::move(task)); }

void TaskScope::cancelAll() {
  while (first_.next != &first_) {
    auto& promise = static_cast<Detached::promise_type&>(*first_.next);
    std::coroutine_handle<Detached::promise_type>::from_promise(promise).destroy();
  }
}

}  // namespace loam::io
