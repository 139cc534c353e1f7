#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "shadow/decode/decoder.h"

namespace loam::decode {

/// The requests of one connection that wait for their answer, oldest first: protocols that answer in order need nothing
/// else. Requests of one kind that came in one piece take one entry of 24 bytes together, at most kMostRuns entries are
/// held; where that is not enough, requests join the newest entry of their kind and only their latency gets coarse,
/// never their count.
class PendingExchanges {
 public:
  /// What the request is; its protocol's decoder says what the numbers mean.
  using Kind = std::uint32_t;
  static constexpr std::size_t kMostRuns = 1024;

  explicit PendingExchanges(DecoderEvents& events) : events_(events) {}

  /// False when there is no room for another kind.
  [[nodiscard]] bool push(Kind kind, Monotonic started);
  bool empty() const { return first_ == runs_.size(); }
  /// Exactly one request waits.
  bool single() const { return first_ + 1 == runs_.size() && runs_.back().count == 1; }
  Kind front() const { return runs_[first_].kind; }
  Kind back() const { return runs_.back().kind; }
  /// Makes the newest request one of `kind`.
  [[nodiscard]] bool setBackKind(Kind kind);
  /// A byte of the oldest one's answer passes; the first call counts.
  void answering(Monotonic now);
  /// Reports the oldest one's end; it stays in front.
  void report(Outcome outcome, Monotonic now, std::uint16_t status = 0);
  /// Takes the oldest one off.
  void drop();
  void complete(Outcome outcome, Monotonic now, std::uint16_t status = 0) {
    report(outcome, now, status);
    drop();
  }
  void clear();

 private:
  struct Run {
    Monotonic started;
    std::uint64_t count = 0;
    Kind kind = 0;
  };

  bool crowded() const { return runs_.size() - first_ >= kMostRuns - 1; }

  DecoderEvents& events_;
  std::vector<Run> runs_;
  std::size_t first_ = 0;
  std::optional<Monotonic> answered_;
};

}  // namespace loam::decode
