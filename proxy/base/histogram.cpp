#include "proxy/base/histogram.h"

#include <algorithm>
#include <bit>

namespace loam {

std::uint32_t Histogram::bucketOf(std::uint64_t duration) {
  if (duration < kSubBuckets) return static_cast<std::uint32_t>(duration);
  const auto octave = static_cast<std::uint32_t>(std::bit_width(duration)) - 4;  // 8..15 is octave 0
  const auto sub = static_cast<std::uint32_t>(duration >> octave) - kSubBuckets;
  return std::min((octave + 1) * kSubBuckets + sub, kBuckets - 1);
}

std::pair<std::uint64_t, std::uint64_t> Histogram::boundsOf(std::uint32_t bucket) {
  if (bucket < kSubBuckets) return {bucket, bucket + 1};
  const std::uint32_t octave = bucket / kSubBuckets - 1;
  const std::uint64_t low = static_cast<std::uint64_t>(kSubBuckets + bucket % kSubBuckets) << octave;
  return {low, low + (std::uint64_t{1} << octave)};
}

void Histogram::add(std::uint32_t bucket, std::uint64_t times) {
  if (times == 0) return;
  bucket = std::min(bucket, kBuckets - 1);
  count_ += times;
  const auto at = std::lower_bound(filled_.begin(), filled_.end(), bucket,
                                   [](const auto& pair, std::uint32_t index) { return pair.first < index; });
  if (at != filled_.end() && at->first == bucket) {
    at->second += times;
  } else {
    filled_.insert(at, {bucket, times});
  }
}

void Histogram::merge(const Histogram& other) {
  for (const auto& [bucket, times] : other.filled_) add(bucket, times);
}

double Histogram::quantile(double quantile) const {
  if (count_ == 0) return 0;
  const double rank = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_);
  double below = 0;
  for (const auto& [bucket, times] : filled_) {
    const auto inside = static_cast<double>(times);
    if (below + inside >= rank) {
      const auto [low, high] = boundsOf(bucket);
      return static_cast<double>(low) + static_cast<double>(high - low) * (rank - below) / inside;
    }
    below += inside;
  }
  return static_cast<double>(boundsOf(filled_.back().first).second);
}

namespace {

void putVarint(std::vector<std::uint8_t>& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

bool takeVarint(std::span<const std::uint8_t>& in, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const std::uint8_t byte = in.front();
    in = in.subspan(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

}  // namespace

std::vector<std::uint8_t> Histogram::encode() const {
  std::vector<std::uint8_t> out;
  std::uint32_t previous = 0;
  for (const auto& [bucket, times] : filled_) {
    putVarint(out, bucket - previous);
    putVarint(out, times);
    previous = bucket;
  }
  return out;
}

Histogram Histogram::decode(std::span<const std::uint8_t> bytes) {
  Histogram histogram;
  std::uint64_t bucket = 0;
  std::uint64_t step = 0;
  std::uint64_t times = 0;
  while (takeVarint(bytes, step) && takeVarint(bytes, times)) {
    bucket += step;
    if (step >= kBuckets || bucket >= kBuckets) break;
    histogram.add(static_cast<std::uint32_t>(bucket), times);
  }
  return histogram;
}

}  // namespace loam
