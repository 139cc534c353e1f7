#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rollout/notify/dispatch.h"

namespace loam::notify {

/// The webhooks of a controller, on a thread and a loop of their own: whatever receivers, resolvers and disks do,
/// neither the API nor the control thread waits for them. Any thread, but for what is said otherwise.
class Webhooks {
 public:
  /// Reads authorities, what was kept, and where the audit log ends. InvalidArgument and NotFound for files that cannot
  /// be used, else the ledger's errors. `ledger`, `clock` and `log` outlive it.
  static Result<std::unique_ptr<Webhooks>> make(std::vector<HookSettings> hooks, Dispatch::Settings settings,
                                                const audit::Ledger& ledger, std::function<std::uint64_t()> random,
                                                const Clock& clock, Log& log);
  /// Ends sending; what was not sent is sent by the next one.
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  /// Begins to send. Once; by the thread that made it.
  void start();

  /// The audit log may have more.
  void ledgerMoved();
  /// How it is with what was looked at.
  void seen(std::vector<Reading> readings);
  /// Has secrets and authorities read again.
  void reload();

  /// By name, in the order of the configuration.
  std::vector<HookStanding> standing() const;
  /// Sends a test to the webhook of that name, which there has to be, and says what came of it. `from` is the loop of
  /// who asks.
  io::Task<Attempt> test(io::EventLoop& from, std::string name);

 private:
  explicit Webhooks(std::unique_ptr<io::EventLoop> loop) : loop_(std::move(loop)) {}
  io::Task<void> tryOut(std::string name, std::shared_ptr<Attempt> into, std::function<void()> done);

  const std::unique_ptr<io::EventLoop> loop_;
  std::unique_ptr<Dispatch> dispatch_;  // the thread's once it runs; its hooks' standings are anybody's
  std::atomic<bool> moved_ = false;     // said and not looked at yet
  io::TaskScope testing_;
  std::thread thread_;
};

}  // namespace loam::notify
