#pragma once

#include <vector>

#include "proxy/base/log.h"
#include "proxy/guard/capture.h"
#include "proxy/guard/closed_file.h"

namespace loam::guard {

/// What is closed to plaintext, in the kernel and on disk: from when a proxy says so until it says otherwise, whoever
/// dies meanwhile, or until the operator takes capture off; applied again, it holds again. One thread.
class Closure {
 public:
  /// `capture` and `log` outlive it.
  Closure(Capture& capture, ClosedFile file, Log& log) : capture_(capture), file_(std::move(file)), log_(log) {}

  /// At the guard's start: what the file says holds again. What the kernel has stays where no file says anything.
  Status restore();
  /// The proxy's word. True when it holds; false where the operator has opened all, and it is kept for later.
  Result<bool> say(std::vector<ClosedWay> ways);
  /// Capture was applied: what was said last holds again.
  Status capture();
  /// Opens all, until then. How many endpoints that were.
  Result<std::size_t> open();

 private:
  Status keep(bool closesMore);

  Capture& capture_;
  ClosedFile file_;
  Log& log_;
  ClosedFile::Content content_;
  ClosedFile::Content stored_;
};

}  // namespace loam::guard
