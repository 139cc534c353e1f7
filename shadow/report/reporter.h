#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <random>
#include <string>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "shadow/report/spool.h"
#include "shadow/report/transport.h"

namespace loam::report {

/// Sends sealed reports in their order, each at least once: what cannot be sent goes to the spool, and what is in the
/// spool goes first. offer() and dropped() may be called by any thread; tick() and flush() by the reporter's own, which
/// may block there for as long as the transport does.
class Reporter {
 public:
  static constexpr milliseconds kFirstBackOff{100};
  static constexpr milliseconds kMostBackOff{5000};
  /// Reports that wait in memory while spool and controller both fail; the oldest are dropped beyond.
  static constexpr std::size_t kMostWaiting = 64;
  static constexpr std::size_t kMostWaitingBytes = 16 * 1024 * 1024;
  /// How often the spool is told to take in what a predecessor left: one may end, unable to send, long after its
  /// successor started.
  static constexpr seconds kAdoptEvery{2};
  /// Spooled reports that one tick() sends, so that it comes back.
  static constexpr int kMostSentPerTick = 64;

  /// All of them outlive the reporter; `seed` sets the jitter of the back-off.
  Reporter(Transport& transport, Spool& spool, const Clock& clock, Log& log, std::uint64_t seed);

  /// Takes one encoded report.
  void offer(std::string report);
  /// Sends what is due. True when more could be sent at once: call again without a nap.
  bool tick();
  /// The end of the proxy: sends what it can until `deadline` of the clock or the first failure, and spools the rest.
  void flush(Monotonic deadline);

  /// Reports lost since the start: spool full or damaged, or refused for good.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  /// When the next attempt is due; in the past when nothing failed.
  Monotonic nextAttempt() const { return nextAttempt_; }

 private:
  enum class Sent { Yes, Nothing, Failed };

  void takeOffers();
  void adoptWhenDue();
  Sent sendOldest();
  bool deliver(const std::string& report);
  void spoolWaiting();
  void lose(std::uint64_t reports) { lost_ += reports; }
  static std::uint64_t dropBeyondBounds(std::deque<std::string>& reports);
  void publishDropped();

  Transport& transport_;
  Spool& spool_;
  const Clock& clock_;
  Log& log_;
  std::mutex mutex_;
  std::deque<std::string> offered_;  // under mutex_
  std::deque<std::string> waiting_;  // newer than everything in the spool
  std::minstd_rand random_;
  Monotonic nextAttempt_{};
  Monotonic adopted_;
  milliseconds backOff_{0};
  const std::uint64_t droppedBefore_;
  std::uint64_t lost_ = 0;
  std::uint64_t told_ = 0;  // of the losses that dropped_ has
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace loam::report
