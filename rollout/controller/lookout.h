#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/task.h"
#include "rollout/api/control.h"
#include "rollout/audit/watched_ledger.h"
#include "rollout/notify/controller_readings.h"
#include "rollout/notify/webhooks.h"

namespace loam::controller {

/// Looks every few seconds at what may need a person and is in no log: proxies, certificates, a change of the root, the
/// ledger, wrong tokens. Tells the webhooks how it is. The loop's thread; what belongs to the control thread is looked
/// at there, on its own, so that a disk that hangs does not hide a proxy that fell silent.
class Lookout {
 public:
  static constexpr seconds kEvery{5};

  /// `wrongTokens` gives how many there were since the start. All outlive it.
  Lookout(io::EventLoop& loop, const api::Control& control, const audit::WatchedLedger& ledger,
          std::function<std::uint64_t()> wrongTokens, notify::Webhooks& webhooks);

  /// For ever.
  io::Task<void> watchLoop();
  /// The same for what is the control thread's.
  io::Task<void> watchControl();

 private:
  using Readings = std::vector<notify::Reading>;
  /// On the control thread.
  void lookAtControl(const std::vector<identity::Heard>& heard, Readings& into) const;

  io::EventLoop& loop_;
  const api::Control& control_;
  const audit::WatchedLedger& ledger_;
  const std::function<std::uint64_t()> wrongTokens_;
  notify::Webhooks& webhooks_;
  notify::TokenStorm storm_;
  const std::int64_t began_;  // unix seconds
};

}  // namespace loam::controller
