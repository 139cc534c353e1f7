#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "proxy/base/log.h"
#include "proxy/http/kept_connection.h"
#include "proxy/io/task_scope.h"
#include "proxy/server/clock_skew.h"
#include "proxy/server/enroller.h"
#include "proxy/server/service_table.h"
#include "proxy/server/snapshot_file.h"
#include "proxy/wire/watch.h"

namespace loam::server {

/// Where the proxy's configuration comes from: the last snapshot on its disk at once, then whatever the controller has
/// that is newer. Keeps each one on the disk before it acknowledges it, never goes back, and keeps what it has for ever
/// while the controller is away. On a thread of its own.
class SnapshotSource {
 public:
  /// The way to the workers; called on the source's thread.
  struct Workers {
    /// Has every worker run the table; `done` is called, from any thread, once all do.
    std::function<void(std::shared_ptr<const ServiceTable>, std::function<void()> done)> install;
    /// Live connections that began under another generation than this.
    std::function<std::uint64_t(std::uint64_t generation)> oldConnections;
    /// Destinations that no snapshot knew, since the last call.
    std::function<std::vector<SocketAddress>()> takeMissed;
    /// What is left to a drained proxy; nothing when it is none.
    std::function<std::optional<wire::Drained>()> drained;
    /// Counts what the tables cap.
    std::shared_ptr<filters::ServiceLedger> ledger = std::make_shared<filters::ServiceLedger>();
  };
  struct State {
    std::uint64_t epoch = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t inEffect = 0;
    bool reached = false;  ///< the controller answered the last question
    std::uint64_t refused = 0;
  };

  /// What the disk held when the program began (SnapshotFile::load).
  using Kept = Result<std::optional<wire::Snapshot>>;

  /// `enroller` gives this proxy its identity, and outlives it; null over a Unix socket.
  SnapshotSource(std::string proxy, http::Target controller, Enroller* enroller, const std::string& file,
                 std::unique_ptr<io::EventLoop> loop, Log& log, Workers workers);
  ~SnapshotSource();
  SnapshotSource(const SnapshotSource&) = delete;
  SnapshotSource& operator=(const SnapshotSource&) = delete;

  /// On its thread: installs what was on the disk, then asks. A damaged file is said, moved aside and asked for anew.
  void start(Kept kept, bool killed = false);
  /// Any thread: from now on no feature is carried out but observing, or all are again. The controller is told at once.
  void setKilled(bool killed);
  /// Asks no more; what was installed stays. It has to outlive the workers all the same: they may still answer it.
  void stop();
  /// Any thread.
  State state() const;
  const ClockSkew& skew() const { return skew_; }

 private:
  static constexpr milliseconds kWait{30'000};
  static constexpr milliseconds kGrace{10'000};  // beyond the wait, for the answer itself
  static constexpr milliseconds kInEffectWithin{1000};
  static constexpr milliseconds kRetryLocal{5000};  // what only the disk refused
  static constexpr milliseconds kDraining{1000};    // somebody may wait for its connections to end
  static constexpr milliseconds kFirstBackOff{200};
  static constexpr milliseconds kMostBackOff{30'000};

  io::Task<void> begin(Kept kept);
  io::Task<void> watch(Kept kept);
  io::Task<bool> ask();
  /// `encoded` is the snapshot as it came; the caller's frame holds it.
  io::Task<void> take(wire::Snapshot snapshot, const std::string& encoded);
  /// Has the workers run the present snapshot, or what a kill leaves of it.
  io::Task<void> install();
  void refuse(std::uint64_t generation, std::string reason);
  void onSilence(const Result<http::Response>& answer);
  wire::Watch question();
  milliseconds waitFor(const wire::Watch& watch) const;

  const std::string proxy_;
  Enroller* const enroller_;
  SnapshotFile file_;
  Log& log_;
  const Workers workers_;
  const std::unique_ptr<io::EventLoop> loop_;
  std::minstd_rand random_;
  http::KeptConnection connection_;
  ClockSkew skew_;
  std::optional<wire::Snapshot> current_;  // the one in force
  std::optional<wire::Refusal> refusal_;
  std::string silent_;           // why nobody answered the last time that it was said
  bool refusalIsLocal_ = false;  // of the disk, which may have room again
  bool killed_ = false;
  bool interrupted_ = false;  // there is something to tell: the question under way was cut
  std::atomic<std::uint64_t> epoch_{0};
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<std::uint64_t> inEffect_{0};
  std::atomic<std::uint64_t> refusals_{0};
  std::atomic<bool> reached_{false};
  io::TaskScope scope_;
  std::thread thread_;
};

}  // namespace loam::server
