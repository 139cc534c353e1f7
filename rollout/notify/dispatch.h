#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/task_scope.h"
#include "rollout/audit/ledger.h"
#include "rollout/notify/conditions.h"
#include "rollout/notify/hook.h"
#include "rollout/notify/log_reader.h"

namespace loam::notify {

/// Brings what needs a person from the audit log and from looks at states to the webhooks, and keeps in a small file
/// how far it came: after a restart it goes on from there, so that each event is sent at least once, under the same id.
/// The loop's thread.
class Dispatch {
 public:
  static constexpr seconds kTick{1};        ///< how soon what was sent is kept
  static constexpr seconds kKeepEvery{60};  ///< the place in the log, while nothing there concerns anybody
  static constexpr seconds kKeepAgain{30};  ///< after it could not be written

  struct Settings {
    std::string controller;  ///< what receivers know this controller by
    std::string file;        ///< of what is kept
  };
  using Transports = std::vector<std::pair<HookSettings, std::unique_ptr<Transport>>>;

  /// `random` gives 64 bits each time. All outlive it.
  Dispatch(io::EventLoop& loop, Settings settings, Transports hooks, const audit::Ledger& ledger,
           std::function<std::uint64_t()> random, const Clock& clock, Log& log);

  /// Reads what was kept. A webhook that was not there before begins with what happens from now on. An error is the
  /// ledger's. First of all.
  Status open();
  /// Begins to send.
  void begin();

  /// The audit log may have more.
  void ledgerMoved();
  /// How it is with what was looked at.
  void seen(const std::vector<Reading>& readings);
  void reload();
  /// Sends a test to the webhook of that name now.
  io::Task<Attempt> test(std::string name);
  /// Keeps what is worth keeping.
  void keep();

  const std::vector<std::unique_ptr<Hook>>& hooks() const { return hooks_; }

 private:
  io::Task<void> keepHouse();
  /// Takes over what the file says of hooks and conditions.
  Status takeKept(const std::string& text, std::uint64_t last);
  void readLog();
  void tell(const Notice& notice, std::uint64_t sequence);
  std::string newId() const;
  std::int64_t nowMs() const;
  std::string keptText() const;

  io::EventLoop& loop_;
  const Settings settings_;
  const audit::Ledger& ledger_;
  const std::function<std::uint64_t()> random_;
  const Clock& clock_;
  Log& log_;
  Conditions conditions_;
  std::vector<std::unique_ptr<Hook>> hooks_;
  std::unique_ptr<LogReader> reader_;
  bool behind_ = true;      // the log may have more
  bool readFails_ = false;  // it was said
  bool keepFails_ = false;
  bool dirty_ = false;  // something that is worth keeping changed
  Monotonic keepAt_{};  // not before
  Monotonic kept_{};
  io::TaskScope scope_;
};

}  // namespace loam::notify
