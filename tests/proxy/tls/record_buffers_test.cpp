#include "proxy/tls/record_buffers.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <thread>
#include <vector>

#include "tests/support/heap.h"

namespace loam::tls {
namespace {

constexpr std::size_t kRecord = 16 * 1024 + 350;

/// A program of its own: OpenSSL must not have been used before.
class RecordBuffersTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { keepRecordBuffers(); }
};

TEST_F(RecordBuffersTest, WhatIsGivenBackIsWhatIsTakenNext) {
  void* const first = OPENSSL_malloc(kRecord);
  void* const second = OPENSSL_malloc(kRecord);
  OPENSSL_free(first);
  EXPECT_EQ(OPENSSL_malloc(kRecord + 100), first);
  OPENSSL_free(first);
  OPENSSL_free(second);
}

TEST_F(RecordBuffersTest, AThreadKeepsTwoAndLeavesNone) {
  const std::size_t before = loam::test::heapInUse();
  std::size_t kept = 0;
  std::thread([&] {
    std::vector<void*> blocks;
    for (int i = 0; i < 50; ++i) blocks.push_back(OPENSSL_malloc(kRecord));
    for (void* const block : blocks) OPENSSL_free(block);
    blocks = {};
    kept = loam::test::heapInUse();
  }).join();
  EXPECT_LT(kept, before + 4 * kRecord);
  EXPECT_LT(loam::test::heapInUse(), before + kRecord);
}

TEST_F(RecordBuffersTest, OtherSizesAreTheAllocatorsAlone) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, std::size_t{16 * 1024 - 1}, std::size_t{100'000}}) {
    auto* block = static_cast<unsigned char*>(OPENSSL_zalloc(size));
    block[size - 1] = 1;
    block = static_cast<unsigned char*>(OPENSSL_realloc(block, 2 * size));
    EXPECT_EQ(block[size - 1], 1);
    OPENSSL_free(block);
  }
  OPENSSL_free(nullptr);
}

}  // namespace
}  // namespace loam::tls
