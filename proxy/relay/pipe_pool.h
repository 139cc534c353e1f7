#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "proxy/base/descriptor.h"

namespace loam::relay {

/// A kernel pipe that bulk passes through on its way from socket to socket.
struct Pipe {
  static constexpr std::size_t kBytes = 256 * 1024;  // dataplane.md 1: 92 us/MB against 101 with 64 KiB

  Descriptor in;
  Descriptor out;
};

/// Pipes of one worker, lent to directions while bulk runs through them. One thread.
class PipePool {
 public:
  /// At most `most` pipes exist at a time: two descriptors each.
  explicit PipePool(std::size_t most = 64) : most_(most) {}

  /// None when all are lent or the kernel gives no more: the caller copies instead.
  std::optional<Pipe> lend();
  /// Takes back a pipe; `empty` says that nothing is left in it, otherwise it is closed.
  void giveBack(Pipe pipe, bool empty);

 private:
  std::size_t most_;
  std::size_t lent_ = 0;
  std::vector<Pipe> idle_;
};

}  // namespace loam::relay
