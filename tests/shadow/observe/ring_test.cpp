#include "shadow/observe/ring.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <thread>

namespace loam::observe {
namespace {

struct Item {
  std::uint64_t number;
  std::array<std::uint64_t, 8> copies;
};

TEST(RingTest, GivesBackInOrderAndRefusesWhenFull) {
  Ring<int> ring(3);
  ASSERT_EQ(ring.capacity(), 4u);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(ring.push(round * 10 + i));
    EXPECT_FALSE(ring.push(99));
    EXPECT_EQ(ring.available(), 4u);
    int out = 0;
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(ring.pop(out));
      EXPECT_EQ(out, round * 10 + i);
    }
    EXPECT_FALSE(ring.pop(out));
  }
}

TEST(RingTest, LosesNothingBetweenTwoThreads) {
  constexpr std::uint64_t kItems = 200000;
  Ring<Item> ring(64);
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kItems;) {
      Item item{i, {}};
      item.copies.fill(i);
      if (ring.push(item)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::uint64_t wrong = 0;
  Item item{};
  for (std::uint64_t expected = 0; expected < kItems;) {
    if (!ring.pop(item)) {
      std::this_thread::yield();
      continue;
    }
    if (item.number != expected) ++wrong;
    for (const std::uint64_t copy : item.copies) wrong += copy != expected ? 1 : 0;
    ++expected;
  }
  producer.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_FALSE(ring.pop(item));
}

}  // namespace
}  // namespace loam::observe
