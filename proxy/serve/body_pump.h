#pragma once

#include <string>

#include "proxy/http/http1_body.h"
#include "proxy/serve/input.h"
#include "proxy/serve/output.h"

namespace loam::serve {

/// One message's body on its way through a served connection, framing and all, as it came; only what its plan says
/// belongs to it. Can keep what went on, to send it once more. One thread, no waiting.
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

  /// Both outlive it, or `to` does until again().
  BodyPump(Input& from, Output& to, http::BodyPlan plan);
  /// What goes on from here, as long as it is no more than `most` bytes in all.
  void keep(std::size_t most) { keeps_ = most; }
  /// All that went on is kept, which may be nothing.
  bool isKept() const { return moved_ == kept_.size(); }
  /// What is kept goes on once more, to another: what follows does too.
  void again(Output& to);

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
  void remember(std::string_view bytes);
  void settle();

  Input& from_;
  Output* to_;
  http::BodyReader reader_;
  const bool lastsUntilEnd_;
  State state_ = State::Open;
  std::string kept_;
  std::size_t keeps_ = 0;
  std::uint64_t moved_ = 0;
};

}  // namespace loam::serve
