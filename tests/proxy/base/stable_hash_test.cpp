#include "proxy/base/stable_hash.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

// Vectors of MurmurHash3_x86_32 as published with its reference implementation's verification discussions.
TEST(StableHashTest, MurmurMatchesItsPublishedVectors) {
  EXPECT_EQ(murmur3("", 0), 0u);
  EXPECT_EQ(murmur3("", 1), 0x514e28b7u);
  EXPECT_EQ(murmur3("", 0xffffffff), 0x81f16f39u);
  EXPECT_EQ(murmur3("test", 0), 0xba6bd213u);
  EXPECT_EQ(murmur3("Hello, world!", 0), 0xc0363e43u);
  EXPECT_EQ(murmur3("The quick brown fox jumps over the lazy dog", 0x9747b28c), 0x2fa826cdu);
}

TEST(StableHashTest, FnvMatchesItsPublishedVector) { EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8u); }

// The vectors of rollout.md 3.4: what other programs compute for the same salt and unit.
TEST(StableHashTest, PutsUnitsIntoTheBucketsOfTheGoldenVectors) {
  EXPECT_EQ(murmur3("svc:checkout/mtls|src:web"), 993539194u);
  EXPECT_EQ(bucketOf("svc:checkout/mtls", "src:web"), 23132u);
  EXPECT_EQ(bucketOf("svc:checkout/mtls", "src:cart"), 49141u);
  EXPECT_EQ(bucketOf("svc:checkout/retries", "src:web"), 30224u);
}

}  // namespace
}  // namespace loam
