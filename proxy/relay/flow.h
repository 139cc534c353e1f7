#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "proxy/relay/leg.h"
#include "proxy/relay/pipe_pool.h"
#include "proxy/relay/tap.h"

namespace loam::relay {

/// What the connections of one worker share: the place that reads land in, and its pipes.
struct Resources {
  std::array<std::uint8_t, 64 * 1024> scratch;
  PipePool pipes;
};

/// One direction of a relayed connection: reads from its source, shows the bytes to the tap, writes them to its sink.
/// Holds no buffer while the sink keeps up; what the sink does not take at once (at most one scratch full) waits here,
/// and nothing more is read until it is gone. Bytes that the tap need not see go by splice(2) once they come in bulk.
/// One thread, no waiting.
class Flow {
 public:
  enum class State : std::uint8_t {
    Open,
    Ended,         ///< the source ended in order, all was delivered, the sink was told
    SourceBroken,  ///< reading failed; what was read before is still delivered
    SinkBroken,    ///< writing failed
  };

  /// `unseen`: bytes that come first and that the tap need not see.
  Flow(Direction direction, Leg source, Leg sink, Tap& tap, Resources& resources, std::uint64_t unseen);
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;
  ~Flow();

  /// Moves what can be moved now, at most about 256 KiB. Returns true when it stopped for fairness and more may move at
  /// once.
  bool advance();
  State state() const { return state_; }
  /// Nothing that was read waits to be written.
  bool isFlushed() const { return pending_.empty() && inPipe_ == 0 && sink_.isFlushed(); }
  /// Bytes accepted from the source.
  std::uint64_t bytes() const { return bytes_; }

 private:
  enum class Step : std::uint8_t { Moved, Blocked, Stop };

  Step step();
  /// What stands before the next copy, or is the end of all; nothing when there is nothing.
  std::optional<Step> finish();
  Step broken(State state);
  Step flushPending();
  Step flushSink();
  Step tellEnd();
  Step flushPipe();
  Step copy();
  Step spliceIn();
  Step sourceEnded();
  void show(std::size_t count);
  void leavePipe();
  Monotonic now() const { return source_.socket().loop().now(); }

  Direction direction_;
  State state_ = State::Open;
  bool ended_ = false;
  bool hasMoreThanToCopy_;  // finish() has to look: one test a step while nothing waits, ends or is encrypted
  const Leg source_;
  const Leg sink_;
  Tap& tap_;
  Resources& resources_;
  std::uint64_t skip_;  // bytes that the tap need not see
  std::uint64_t bytes_ = 0;
  std::size_t inPipe_ = 0;
  std::optional<Pipe> pipe_;
  std::vector<std::uint8_t> pending_;
  std::size_t pendingFrom_ = 0;
};

}  // namespace loam::relay
