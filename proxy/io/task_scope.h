#pragma once

#include <cstddef>

#include "proxy/io/task.h"

namespace loam::io {

/// Owns tasks that nobody awaits. A task starts when it is spawned and goes away when it is done; whatever still runs
/// when the scope goes is cancelled. One thread.
class TaskScope {
 public:
  TaskScope() = default;
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;
  ~TaskScope() { cancelAll(); }

  void spawn(Task<void> task);
  void cancelAll();
  std::size_t size() const { return size_; }

 private:
  struct Detached;
  struct Link {
    Link* previous = nullptr;
    Link* next = nullptr;
  };

  Detached hold(Task<void> task);

  Link first_{&first_, &first_};
  std::size_t size_ = 0;
};

}  // namespace loam::io
