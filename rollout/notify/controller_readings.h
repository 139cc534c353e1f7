#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "proxy/base/clock.h"
#include "proxy/base/error.h"
#include "rollout/notify/conditions.h"

namespace loam::notify {

/// Whether control.db can be written; `failure`: why the last commit could not.
Reading readLedger(const std::optional<Error>& failure);
/// Whether kills wait in the emergency journal.
Reading readJournal(bool isUsed);

/// Says when so many wrong tokens come that somebody is trying, or a program goes on with an old one. One thread.
class TokenStorm {
 public:
  static constexpr std::uint64_t kMany = 30;  ///< within kWindow: it begins
  static constexpr seconds kWindow{60};       ///< without a single one: it is over

  /// `total`: wrong tokens since the controller began; asked every few seconds.
  Reading look(std::uint64_t total, Monotonic now);

 private:
  std::deque<std::pair<Monotonic, std::uint64_t>> seen_;  // within the window, and the last before it
  bool storms_ = false;
};

}  // namespace loam::notify
