#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "proxy/base/clock.h"

namespace loam::guard {

/// The dead-man switch: capture stays alive only while every worker of the proxy shows that it turns. Pure; told the
/// time.
class DeadMan {
 public:
  enum class Decision { Nothing, Renew, Revoke };

  static constexpr milliseconds kRenewEvery{1000};
  static constexpr milliseconds kSilence{1500};
  static constexpr unsigned kTimeoutSeconds = 3;  ///< of the kernel's element, should the guard itself die

  /// The proxy wants capture. A worker that has never beaten (counter 0) must beat first; where capture is alive, since
  /// the proxy succeeds another, it has kSilence for it.
  void engage(Monotonic now, std::span<const std::uint64_t> counters);
  /// The proxy left or died: Revoke is what follows, decided by the caller.
  void disengage();
  bool engaged() const { return engaged_; }
  bool alive() const { return alive_; }

  /// Looks at the workers' counters (as many as at engage); several times a second. Renew and Revoke are to be carried
  /// out; a Renew that failed is asked for again by failed().
  Decision step(Monotonic now, std::span<const std::uint64_t> counters);
  void failed() { alive_ = false; }
  /// Indices of the workers that are silent now.
  std::vector<unsigned> silent(Monotonic now) const;

 private:
  struct Worker {
    std::uint64_t counter = 0;
    Monotonic moved{};
    bool beaten = false;
    bool fresh(Monotonic now) const { return beaten && now - moved < kSilence; }
  };

  bool engaged_ = false;
  bool alive_ = false;
  Monotonic renewed_{};
  std::vector<Worker> workers_;
};

}  // namespace loam::guard
