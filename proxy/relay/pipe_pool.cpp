#include "proxy/relay/pipe_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace loam::relay {

std::optional<Pipe> PipePool::lend() {
  if (!idle_.empty()) {
    Pipe pipe = std::move(idle_.back());
    idle_.pop_back();
    ++lent_;
    return pipe;
  }
  if (lent_ >= most_) return std::nullopt;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return std::nullopt;
  Pipe pipe{Descriptor(ends[1]), Descriptor(ends[0])};
  // Refused above the user's share of pipe memory; the default size works too.
  ::fcntl(pipe.in.get(), F_SETPIPE_SZ, static_cast<int>(Pipe::kBytes));
  ++lent_;
  return pipe;
}

void PipePool::giveBack(Pipe pipe, bool empty) {
  --lent_;
  if (empty) idle_.push_back(std::move(pipe));
}

}  // namespace loam::relay
