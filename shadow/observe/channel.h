#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "shadow/observe/record.h"
#include "shadow/observe/ring.h"

namespace loam::observe {

/// The way of one worker's observations to the observer thread: a ring of records, a side ring of texts, and a bounded
/// backlog for the time that the ring is full. The worker calls the producer's half, the observer the consumer's;
/// lost() anybody.
class Channel {
 public:
  static constexpr std::size_t kRecords = 16384;
  static constexpr std::size_t kTexts = 1024;
  /// Records that wait in the worker while the ring is full. The second half is kept for those that a connection has
  /// once: its opening, how it was secured, its end.
  static constexpr std::size_t kMostBacklog = 16384;
  /// After this long a text is sent again, in case that the observer had to forget it.
  static constexpr seconds kTextsKnownFor{30};

  /// `seed` keys the hashes of texts; all channels of one observer share it.
  explicit Channel(std::uint64_t seed, std::size_t records = kRecords, std::size_t texts = kTexts);

  /// Producer: hands over a record, in order; false when ring and backlog are full (the caller says whether that is a
  /// loss).
  bool push(const Observation& record);
  /// Producer: one observation is gone for good.
  void lose() { lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  /// Producer: hash of "`left` `right`" (of `left` alone when `right` is empty), cut at Text::kMostText; sends the text
  /// when it is new.
  std::uint64_t intern(std::string_view left, std::string_view right = {});
  /// Producer, about once a second: moves the backlog on and forgets which texts were sent when it is time.
  void refresh(Monotonic now);

  /// Producer: records that wait for room in the ring.
  std::size_t backlog() const { return backlog_.size() - backlogFrom_; }

  /// Consumer: hands all texts and then all records that were published before the call to `onText` and `onRecord`. A
  /// record's texts always come before it.
  template <class OnText, class OnRecord>
  void drain(OnText&& onText, OnRecord&& onRecord) {
    const std::size_t records = records_.available();
    for (Text text; texts_.pop(text);) onText(text);
    Observation record;
    for (std::size_t i = 0; i < records && records_.pop(record); ++i) onRecord(record);
  }

  /// Observations dropped since the start.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  bool pushBacklog();
  void send(std::uint64_t hash, std::string_view text);

  const std::uint64_t seed_;
  Ring<Observation> records_;
  Ring<Text> texts_;
  std::vector<Observation> backlog_;
  std::size_t backlogFrom_ = 0;
  std::array<std::uint64_t, 2048> sent_{};  // direct-mapped: hashes of texts sent lately
  Monotonic sentSince_{};
  alignas(128) std::atomic<std::uint64_t> lost_{0};
};

}  // namespace loam::observe
