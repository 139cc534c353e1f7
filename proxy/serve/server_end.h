#pragma once

#include <memory>
#include <utility>

#include "proxy/relay/reset.h"
#include "proxy/serve/input.h"
#include "proxy/serve/output.h"
#include "proxy/serve/way.h"

namespace loam::serve {

/// One connection to a server as exchanges use it, one after the other: the one that was dialled when its client came,
/// or one of its own. One thread, no waiting.
class ServerEnd {
 public:
  /// All of them outlive it.
  ServerEnd(relay::Leg leg, relay::Tap& tap, ReadBuffers& buffers)
      : leg_(leg), answers_(relay::Direction::Downstream, leg, tap, buffers), requests_(leg) {}
  ServerEnd(std::unique_ptr<Connection> own, relay::Tap& tap, ReadBuffers& buffers)
      : ServerEnd(own->leg(), tap, buffers) {
    used_ = own->isUsed();
    own_ = std::move(own);
  }

  relay::Leg leg() const { return leg_; }
  io::Socket& socket() const { return leg_.socket(); }
  /// What it says.
  Input& answers() { return answers_; }
  const Input& answers() const { return answers_; }
  /// What is said to it.
  Output& requests() { return requests_; }
  /// A whole answer came over it: it may let the connection go any time from now on.
  bool isUsed() const { return used_; }
  void markUsed() { used_ = true; }
  /// The connection, for others: where it is its own and nothing is under way on it. Null: it is not to be kept.
  std::unique_ptr<Connection> release() {
    const bool isQuiet = answers_.bytes().empty() && !answers_.hasEnded() && requests_.isFlushed();
    return isQuiet ? std::move(own_) : nullptr;
  }
  /// Resets it now.
  void cut() { relay::cut(socket()); }

 private:
  std::unique_ptr<Connection> own_;  // that leg_ is of, where it is nobody else's
  const relay::Leg leg_;
  Input answers_;
  Output requests_;
  bool used_ = false;
};

}  // namespace loam::serve
