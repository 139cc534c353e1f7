#include "proxy/base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace loam {
namespace {

TEST(HistogramTest, EachValueLiesInsideItsBucket) {
  for (std::uint64_t value = 0; value < 100000; ++value) {
    const auto [low, high] = Histogram::boundsOf(Histogram::bucketOf(value));
    ASSERT_LE(low, value);
    ASSERT_LT(value, high);
  }
}

TEST(HistogramTest, BucketsAreContiguousAndAtMostAnEighthWide) {
  for (std::uint32_t bucket = 0; bucket + 1 < Histogram::kBuckets; ++bucket) {
    const auto [low, high] = Histogram::boundsOf(bucket);
    ASSERT_EQ(high, Histogram::boundsOf(bucket + 1).first);
    if (low >= 8) {
      ASSERT_LE((high - low) * 8, low);
    }
  }
}

TEST(HistogramTest, HugeValuesLandInTheLastBucket) {
  EXPECT_EQ(Histogram::bucketOf(~std::uint64_t{0}), Histogram::kBuckets - 1);
}

TEST(HistogramTest, QuantilesAreWithinABucketOfTheTruth) {
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> values(20000);
  Histogram histogram;
  for (auto& value : values) histogram.record(value = random() % 1000000);
  std::sort(values.begin(), values.end());
  for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const auto truth = static_cast<double>(values[static_cast<std::size_t>(q * 20000)]);
    EXPECT_NEAR(histogram.quantile(q), truth, truth * 0.13) << q;
  }
}

TEST(HistogramTest, MergingEqualsRecordingTogether) {
  Histogram left;
  Histogram right;
  Histogram both;
  for (std::uint64_t value = 1; value < 5000; value += 7) {
    (value % 2 == 0 ? left : right).record(value);
    both.record(value);
  }
  left.merge(right);
  EXPECT_EQ(left, both);
}

TEST(HistogramTest, EncodingComesBackAndCutBytesDoNoHarm) {
  Histogram histogram;
  for (std::uint64_t value = 1; value < (1u << 30); value *= 3) histogram.record(value, value);
  const auto bytes = histogram.encode();
  EXPECT_EQ(Histogram::decode(bytes), histogram);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_LE(Histogram::decode(std::span(bytes).first(cut)).count(), histogram.count());
  }
}

TEST(HistogramTest, EmptyHasNoQuantile) { EXPECT_EQ(Histogram().quantile(0.5), 0); }

}  // namespace
}  // namespace loam
