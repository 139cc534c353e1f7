#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/task_scope.h"
#include "rollout/notify/hook_settings.h"
#include "rollout/notify/outbox.h"
#include "rollout/notify/transport.h"

namespace loam::notify {

/// How it is with one webhook, for people and metrics. Counts since the controller began.
struct HookStanding {
  std::string name;
  std::string url;                  ///< as it may be shown
  std::vector<std::string> events;  ///< all by name
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;   ///< tries that are made again
  std::uint64_t refused = 0;  ///< given up: the receiver does not want it
  std::uint64_t expired = 0;  ///< given up: for a day nobody took it
  std::uint64_t dropped = 0;  ///< because too many waited
  std::size_t waiting = 0;
  std::int64_t lastSuccess = 0;  ///< unix seconds; 0: never
  std::int64_t lastFailure = 0;
  std::string lastError;  ///< of that
};

/// What came of one try.
struct Attempt {
  std::string id;
  bool taken = false;
  int status = 0;       ///< 0: no answer
  std::string error{};  ///< why it was not taken
  milliseconds took{0};
};

/// One webhook at work: sends what waits, one after the other, and tries again what was not taken. Its failures are its
/// own affair. The loop's thread, but for standing().
class Hook {
 public:
  /// `changed` is called when what is worth keeping did. `random` makes the waits uneven. All outlive it.
  Hook(io::EventLoop& loop, HookSettings settings, std::unique_ptr<Transport> transport,
       std::function<std::uint64_t()> random, std::function<void()> changed, const Clock& clock, Log& log);

  const std::string& name() const { return settings_.name; }
  bool wants(Event event) const { return settings_.wants(event); }
  /// Goes on with what was kept. Before begin().
  void take(Outbox kept);
  /// Sends from now on.
  void begin() { scope_.spawn(work()); }

  /// Takes a letter in, which may cost the oldest its place.
  void tell(Letter letter);
  /// The audit log was read up to there.
  void readTo(std::uint64_t sequence) { box_.readTo(sequence); }
  const Outbox& box() const { return box_; }
  /// Sends it now, past all that waits, once.
  io::Task<Attempt> tryOnce(Post post);
  /// Reads its files again; what cannot be used is said, and the old ones stay.
  void reload();

  /// Any thread.
  HookStanding standing() const;

 private:
  io::Task<void> work();
  io::Task<void> waitFor(std::optional<Monotonic> due);
  io::Task<void> send(Letter letter);
  void settle(const Letter& letter, const Result<Answer>& answer);
  void noteFailure(const std::string& error);
  void noteSuccess();
  /// When the next try may be; nothing when it would be too late.
  std::optional<Monotonic> nextTry(const Letter& letter, milliseconds wait) const;
  void giveUp(const Letter& letter, std::string_view why, const std::string& error, std::uint64_t HookStanding::*count);
  std::int64_t nowMs() const;
  void wake();

  io::EventLoop& loop_;
  const HookSettings settings_;
  const std::unique_ptr<Transport> transport_;
  const std::function<std::uint64_t()> random_;
  const std::function<void()> changed_;
  const Clock& clock_;
  Log& log_;
  Outbox box_;
  std::string busy_;       // the letter that is being sent
  Monotonic awayUntil_{};  // nobody takes anything before
  unsigned away_ = 0;      // tries in a row that found nobody
  bool failing_ = false;   // it was said, and is said again when it works
  std::function<void()> wake_;
  mutable std::mutex mutex_;
  HookStanding standing_;
  io::TaskScope scope_;
};

/// "503 Service Unavailable: ..." or the error; for a redirect, that it is not followed.
std::string whyNotTaken(const Result<Answer>& answer);

}  // namespace loam::notify
