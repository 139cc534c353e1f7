#pragma once

#include <string>

#include "proxy/base/clock.h"
#include "proxy/base/result.h"
#include "proxy/io/task.h"

namespace loam::notify {

/// What is sent: the body, and what stands in headers beside it.
struct Post {
  std::string id;
  std::string event;
  std::string body;
};

/// What came back.
struct Answer {
  int status = 0;
  std::string retryAfter{};  ///< the header
  std::string says{};        ///< the beginning of its body, safe for a log and a terminal
};

/// The way to one receiver. The loop's thread.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Any status is an answer; an error is that there was none until `deadline`. No error has a secret in it.
  virtual io::Task<Result<Answer>> send(Post post, Monotonic deadline) = 0;
  /// Reads again what it has from files; an error leaves what it had.
  virtual Status reload() { return {}; }
};

}  // namespace loam::notify
