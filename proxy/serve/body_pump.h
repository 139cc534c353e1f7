#pragma once

#include "proxy/http/http1_body.h"
#include "proxy/serve/input.h"
#include "proxy/serve/output.h"

namespace loam::serve {

/// One message's body on its way through a served connection, framing and all, as it came; only what its plan says
/// belongs to it. One thread, no waiting.
class BodyPump {
 public:
  enum class State : std::uint8_t {
    Open,
    Done,
    Cut,           ///< its source ended before it did
    BadFraming,    ///< not a byte of the fault went on
    SourceBroken,  ///< the other end reset it
    SinkBroken,
  };

  /// Both outlive it.
  BodyPump(Input& from, Output& to, http::BodyPlan plan);

  /// Moves what can be moved now, at most about four buffers. Returns true when it stopped for fairness and more may
  /// move at once.
  bool advance();
  State state() const { return state_; }
  /// It lasts until its source ends: nothing can follow it.
  bool lastsUntilEnd() const { return lastsUntilEnd_; }

 private:
  /// True when nothing waits for room any more: the head before the body, or its end, may do so when the body is done.
  bool flush();
  /// True when something moved.
  bool step();
  void settle();

  Input& from_;
  Output& to_;
  http::BodyReader reader_;
  const bool lastsUntilEnd_;
  State state_ = State::Open;
};

}  // namespace loam::serve
