#include "proxy/relay/flow.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

namespace loam::relay {

namespace {
constexpr int kStepsATurn = 4;
}

Flow::Flow(Direction direction, Leg source, Leg sink, Tap& tap, Resources& resources, std::uint64_t unseen)
    : direction_(direction),
      hasMoreThanToCopy_(!sink.isPlain()),
      source_(source),
      sink_(sink),
      tap_(tap),
      resources_(resources),
      skip_(unseen) {}

Flow::~Flow() { leavePipe(); }

bool Flow::advance() {
  for (int i = 0; i < kStepsATurn; ++i) {
    if (step() != Step::Moved) return false;
  }
  return true;
}

Flow::Step Flow::step() {
  if (hasMoreThanToCopy_) {
    if (const auto done = finish()) return *done;
  }
  if (!source_.mayRead()) {
    leavePipe();
    return Step::Blocked;
  }
  return pipe_ && skip_ != 0 ? spliceIn() : copy();
}

std::optional<Flow::Step> Flow::finish() {
  if (state_ == State::Ended || state_ == State::SinkBroken) return Step::Stop;
  if (!pending_.empty()) return flushPending();
  if (inPipe_ != 0) return flushPipe();
  if (!sink_.isFlushed()) return flushSink();
  if (state_ == State::SourceBroken) return Step::Stop;
  if (ended_) return tellEnd();
  hasMoreThanToCopy_ = !sink_.isPlain();
  return std::nullopt;
}

Flow::Step Flow::broken(State state) {
  state_ = state;
  hasMoreThanToCopy_ = true;
  return state == State::SinkBroken ? Step::Stop : Step::Moved;
}

Flow::Step Flow::flushPending() {
  const auto written = sink_.write(std::span(pending_).subspan(pendingFrom_));
  if (!written) return broken(State::SinkBroken);
  if (*written == io::Socket::kWouldBlock) return Step::Blocked;
  pendingFrom_ += *written;
  if (pendingFrom_ < pending_.size()) return Step::Moved;
  pending_ = {};  // an idle connection holds no buffer
  pendingFrom_ = 0;
  return Step::Moved;
}

Flow::Step Flow::flushSink() {
  const auto flushed = sink_.flush();
  if (!flushed) return broken(State::SinkBroken);
  return *flushed ? Step::Moved : Step::Blocked;
}

Flow::Step Flow::tellEnd() {
  const auto told = sink_.end();
  if (!told) return broken(State::SinkBroken);
  if (!*told) return Step::Blocked;
  state_ = State::Ended;
  return Step::Stop;
}

Flow::Step Flow::copy() {
  leavePipe();
  const auto count = source_.read(resources_.scratch);
  if (!count) return broken(State::SourceBroken);
  if (*count == io::Socket::kWouldBlock) return Step::Blocked;
  if (*count == 0) return sourceEnded();
  show(*count);
  const auto bytes = std::span(resources_.scratch).first(*count);
  const auto written = sink_.write(bytes);
  if (!written) return broken(State::SinkBroken);
  const std::size_t taken = *written == io::Socket::kWouldBlock ? 0 : *written;
  if (taken < *count) {
    pending_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
    hasMoreThanToCopy_ = true;
  }
  // A full scratch says bulk: the rest, as far as nobody looks at it, goes by the kernel.
  if (*count == resources_.scratch.size() && skip_ >= Pipe::kBytes && sink_.isPlain()) {
    pipe_ = resources_.pipes.lend();
  }
  return Step::Moved;
}

void Flow::show(std::size_t count) {
  bytes_ += count;
  const auto bytes = std::span<const std::uint8_t>(resources_.scratch).first(count);
  const std::size_t unseen = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, count));
  if (unseen != 0) {
    if (skip_ != Tap::kOpaque) skip_ -= unseen;
    tap_.onSkipped(direction_, unseen, now());
  }
  if (unseen < count) skip_ = tap_.onBytes(direction_, bytes.subspan(unseen), now());
}

Flow::Step Flow::spliceIn() {
  const std::size_t most = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, Pipe::kBytes));
  const auto count =
      ::splice(source_.socket().fd(), nullptr, pipe_->in.get(), nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (count == 0) return sourceEnded();
  if (count < 0) {
    if (errno == EAGAIN) {
      source_.socket().clearRead();
      leavePipe();
      return Step::Blocked;
    }
    if (errno == EINVAL) {  // this pair of descriptors cannot splice
      leavePipe();
      return Step::Moved;
    }
    return broken(State::SourceBroken);
  }
  inPipe_ = static_cast<std::size_t>(count);
  hasMoreThanToCopy_ = true;
  bytes_ += inPipe_;
  if (skip_ != Tap::kOpaque) skip_ -= inPipe_;
  tap_.onSkipped(direction_, inPipe_, now());
  return flushPipe();
}

Flow::Step Flow::flushPipe() {
  const auto count =
      ::splice(pipe_->out.get(), nullptr, sink_.socket().fd(), nullptr, inPipe_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (count > 0) {
    inPipe_ -= static_cast<std::size_t>(count);
    return Step::Moved;
  }
  if (count < 0 && errno == EAGAIN) {
    sink_.socket().writeCameUpShort();
    return Step::Blocked;
  }
  return broken(State::SinkBroken);
}

Flow::Step Flow::sourceEnded() {
  ended_ = true;
  hasMoreThanToCopy_ = true;
  leavePipe();
  tap_.onEnd(direction_, now());
  return Step::Moved;
}

void Flow::leavePipe() {
  if (!pipe_) return;
  resources_.pipes.giveBack(*std::move(pipe_), inPipe_ == 0);
  pipe_.reset();
  inPipe_ = 0;
}

}  // namespace loam::relay
