#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace loam {

/// Log-linear histogram of durations in microseconds: 8 buckets an octave (a bucket is at most 12.5 % wide), exact
/// below 8 us, up to 2^36 us (19 hours), longer ones in the last bucket. Merging two adds their buckets, so that
/// nothing is lost between worker, proxy, record and roll-up. The shape is HdrHistogram's (Gil Tene), with three
/// significant bits.
class Histogram {
 public:
  static constexpr std::uint32_t kSubBuckets = 8;
  static constexpr std::uint32_t kBuckets = kSubBuckets * 34;

  static std::uint32_t bucketOf(std::uint64_t value);
  /// Smallest and smallest-too-large value of a bucket.
  static std::pair<std::uint64_t, std::uint64_t> boundsOf(std::uint32_t bucket);

  void record(std::uint64_t value, std::uint64_t times = 1) { add(bucketOf(value), times); }
  /// Adds to one bucket; an index out of range (a peer's claim) goes to the last.
  void add(std::uint32_t bucket, std::uint64_t times);
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  /// Value in microseconds below which the share `quantile` (0..1) lies, linear inside its bucket; 0 when empty.
  double quantile(double quantile) const;
  /// The filled buckets as (index, count), ascending: what travels in a report and stands in the record.
  const std::vector<std::pair<std::uint32_t, std::uint64_t>>& filled() const { return filled_; }

  /// Compact bytes for the record: pairs of LEB128 (index step, count).
  std::vector<std::uint8_t> encode() const;
  /// The reverse of encode(); bytes that are cut or out of range end the reading there.
  static Histogram decode(std::span<const std::uint8_t> bytes);

  bool operator==(const Histogram&) const = default;

 private:
  std::vector<std::pair<std::uint32_t, std::uint64_t>> filled_;  // sorted by index; a real edge fills about twenty
  std::uint64_t count_ = 0;
};

}  // namespace loam
