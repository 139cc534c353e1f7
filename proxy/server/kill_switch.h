#pragma once

#include <json/value.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "proxy/base/clock.h"
#include "proxy/base/kill_file.h"
#include "proxy/base/log.h"
#include "proxy/wire/snapshot.h"

namespace loam::server {

/// Looks for the kill file of the state directory: once when it is made, so that it holds from the first connection on,
/// then every kEvery on a thread of its own. It waits for no network, no worker and no controller.
class KillSwitch {
 public:
  static constexpr milliseconds kEvery{250};

  KillSwitch(std::filesystem::path stateDirectory, Log& log);
  ~KillSwitch() { stop(); }
  KillSwitch(const KillSwitch&) = delete;
  KillSwitch& operator=(const KillSwitch&) = delete;

  /// `changed` is called on the switch's thread.
  void start(std::function<void(bool killed)> changed);
  void stop();

  /// Any thread.
  bool isKilled() const { return killed_.load(std::memory_order_relaxed); }
  std::optional<KillOrder> order() const;

 private:
  /// False when the file says what it said before, or cannot be looked for.
  bool look();

  const std::filesystem::path directory_;
  Log& log_;
  std::atomic<bool> killed_{false};
  mutable std::mutex mutex_;
  std::optional<KillOrder> order_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

/// For /readyz.
void describeKill(const KillSwitch& kill, Json::Value& state);

/// What a killed proxy runs of a snapshot: every feature is off but observing, which is harmless and stays as its flags
/// say; which services are captured, and whether the proxy is drained, stays too. `mtls` goes down as far as cuts no
/// traffic: strict to prefer, which falls back, and prefer to permissive. Kill switches nothing on.
wire::Snapshot whatKillLeaves(wire::Snapshot snapshot);

}  // namespace loam::server
