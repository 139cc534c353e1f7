#include "proxy/upstream/caps.h"

#include <gtest/gtest.h>

#include <vector>

namespace loam::upstream {
namespace {

class CapsTest : public testing::Test {
 protected:
  std::shared_ptr<ServiceState> service = std::make_shared<ServiceState>();
};

TEST_F(CapsTest, RefusesBeyondAndSaysWhichCap) {
  const Caps caps({.connections = 2, .pending = 0}, service);
  auto one = caps.take(Cap::Connections);
  auto two = caps.take(Cap::Connections);
  ASSERT_TRUE(one && two);
  const auto three = caps.take(Cap::Connections);
  ASSERT_FALSE(three);
  EXPECT_EQ(name(three.error().cap), "connections");
  EXPECT_EQ(three.error().most, 2u);
  EXPECT_EQ(name(caps.take(Cap::Pending).error().cap), "pending") << "nobody may wait";
  one->free();
  EXPECT_TRUE(caps.take(Cap::Connections));
  EXPECT_EQ(service->refused.load(), 2u);
}

TEST_F(CapsTest, WhatIsNotCappedIsCountedAllTheSame) {
  const Caps none({}, service);
  std::vector<CapPlace> places;
  for (int i = 0; i < 1000; ++i) places.push_back(*none.take(Cap::Requests));
  EXPECT_EQ(none.occupied(Cap::Requests), 1000u);
  EXPECT_EQ(none.occupied(Cap::Connections), 0u);
  const Caps later({.requests = 500}, service);
  EXPECT_FALSE(later.take(Cap::Requests)) << "what was there before a cap counts too";
  places.resize(499);
  EXPECT_TRUE(later.take(Cap::Requests));
}

TEST_F(CapsTest, APlaceIsFreedOnceWhereverItWent) {
  const Caps caps({.requests = 1}, service);
  {
    CapPlace place = *caps.take(Cap::Requests);
    CapPlace moved = std::move(place);
    EXPECT_FALSE(place);  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(moved);
    place = std::move(moved);
    EXPECT_EQ(caps.occupied(Cap::Requests), 1u);
    place = CapPlace();
    EXPECT_EQ(caps.occupied(Cap::Requests), 0u);
  }
  EXPECT_EQ(caps.occupied(Cap::Requests), 0u);
}

TEST_F(CapsTest, SimulatedTheyRefuseNothingAndMarkWhatTheyWould) {
  const Caps caps({.requests = 1}, service, true);
  const auto one = caps.take(Cap::Requests);
  const auto two = caps.take(Cap::Requests);
  ASSERT_TRUE(one && two);
  EXPECT_FALSE(one->isBeyond());
  EXPECT_TRUE(two->isBeyond());
  EXPECT_EQ(service->refused.load(), 0u);
}

}  // namespace
}  // namespace loam::upstream
