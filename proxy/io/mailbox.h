#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "proxy/base/descriptor.h"

namespace loam::io {

/// The only way into another thread's loop: functions posted from any thread, run by the loop that owns the box, in
/// order. For control (snapshots, shutdown, handed-over sockets), never for an exchange: posting takes a lock and may
/// wake the loop.
class Mailbox {
 public:
  using Message = std::function<void()>;

  Mailbox();

  /// Any thread.
  void post(Message message);
  /// The loop's thread: runs what was posted so far.
  void deliver();
  /// Readable when something was posted.
  int descriptor() const { return wake_.get(); }

 private:
  Descriptor wake_;
  std::mutex mutex_;
  std::vector<Message> messages_;
};

}  // namespace loam::io
