#include <algorithm>
#include <random>

#include "cluster_fixture.h"

namespace loam::upstream {
namespace {

std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back("10.0.0." + std::to_string(i + 1) + ":80");
  return all;
}

const auto kAny = [](std::size_t) { return true; };

TEST(HashRingTest, SpreadsKeysByItsPoints) {
  const HashRing ring(names(10));
  Dice dice(7);
  std::vector<int> counts(10);
  for (int i = 0; i < 100'000; ++i) ++counts[ring.find(dice.next(), kAny)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 2'500) << "160 points: one in the square root of that";
}

TEST(HashRingTest, KeysOfWhoGoesMoveAndNoOthers) {
  const auto before = names(10);
  auto after = before;
  after.erase(after.begin() + 4);
  const HashRing ring(before);
  const HashRing smaller(after);
  Dice dice(7);
  int moved = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t key = dice.next();
    const std::string& was = before[ring.find(key, kAny)];
    const std::string& is = after[smaller.find(key, kAny)];
    EXPECT_TRUE(was == is || was == before[4]);
    moved += was == is ? 0 : 1;
  }
  EXPECT_NEAR(moved, 10'000, 2'500);
}

TEST(HashRingTest, AThousandEndpointsHaveAsManyPointsAsThereIsRoomFor) {
  const HashRing ring(names(3000));
  const std::size_t none = ring.find(1, [](std::size_t) { return false; });
  EXPECT_EQ(none, 3000u);
  EXPECT_EQ(ring.find(1, [](std::size_t name) { return name == 2999; }), 2999u);
  EXPECT_EQ(HashRing(names(0)).find(1, kAny), 0u);
}

TEST(MaglevTableTest, EverybodyHasTheSameNumberOfPlacesWithinOne) {
  for (const std::size_t count : {1u, 2u, 7u, 10u, 333u}) {
    const MaglevTable table(names(count));
    std::vector<std::size_t> places(count);
    for (std::size_t place = 0; place < MaglevTable::kPlaces; ++place) ++places[table.find(place, kAny)];
    const auto [least, most] = std::minmax_element(places.begin(), places.end());
    EXPECT_LE(*most - *least, 1u) << count;
  }
}

TEST(MaglevTableTest, WhereOneGoesAboutItsPartMoves) {
  const auto before = names(10);
  auto after = before;
  after.erase(after.begin() + 4);
  const MaglevTable table(before);
  const MaglevTable smaller(after);
  int moved = 0;
  int others = 0;
  for (std::size_t place = 0; place < MaglevTable::kPlaces; ++place) {
    const std::string& was = before[table.find(place, kAny)];
    const bool stays = was == after[smaller.find(place, kAny)];
    moved += stays ? 0 : 1;
    others += stays || was == before[4] ? 0 : 1;
  }
  EXPECT_GT(moved, 6'500);
  EXPECT_LT(others, 3'300) << "at most one in twenty of those that need not";
}

TEST(MaglevTableTest, WhereFewAreLeftTheyAreFound) {
  const MaglevTable table(names(500));
  for (std::uint64_t key = 0; key < 200; ++key) {
    EXPECT_EQ(table.find(key, [](std::size_t name) { return name == 137; }), 137u);
  }
  EXPECT_EQ(table.find(5, [](std::size_t) { return false; }), 500u);
  EXPECT_EQ(MaglevTable(names(0)).find(5, kAny), 0u);
}

class HashingTest : public ClusterFixture {
 protected:
  std::vector<std::size_t> placesOf(const Balancer& balancer, int keys = 20'000) {
    std::vector<std::size_t> places;
    for (int i = 0; i < keys; ++i) places.push_back(*pick(balancer, PickKey::of("user-" + std::to_string(i))));
    return places;
  }
};

TEST_F(HashingTest, AKeyStaysWhereItIsWhateverTheOrderAndTheProxy) {
  for (const Algorithm algorithm : {Algorithm::RingHash, Algorithm::Maglev}) {
    const Cluster one = cluster(algorithm, 10);
    auto shuffled = endpoints(10);
    std::shuffle(shuffled.begin(), shuffled.end(), std::minstd_rand(5));
    dice = Dice(99);
    const Cluster other = cluster({.balancer = {.algorithm = algorithm}}, shuffled);
    settle();
    EXPECT_EQ(placesOf(one.all()), placesOf(other.all()));
  }
}

TEST_F(HashingTest, KeysOfWhoIsAwayGoToAllOthersAndComeBack) {
  for (const Algorithm algorithm : {Algorithm::RingHash, Algorithm::Maglev}) {
    const Cluster of = cluster({.balancer = {.algorithm = algorithm}, .health = HealthTerms{}}, endpoints(10));
    settle();
    const auto before = placesOf(of.all());
    stateOf(of.all(), 3).setHealthy(false, clock.now());
    const auto without = placesOf(of.all());
    std::vector<int> got(10);
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_TRUE(before[i] == without[i] || before[i] == 3u);
      if (before[i] == 3) ++got[without[i]];
    }
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i] > 0, i != 3) << i;
    stateOf(of.all(), 3).setHealthy(true, clock.now());
    settle();
    EXPECT_EQ(placesOf(of.all()), before);
  }
}

TEST_F(HashingTest, WithoutAKeyChanceDecides) {
  const Cluster of = cluster(Algorithm::Maglev, 10);
  settle();
  EXPECT_LT(chiSquare(picks(of.all())), kFairTen);
}

TEST_F(HashingTest, KeysAreSpreadEvenly) {
  const Cluster of = cluster(Algorithm::Maglev, 10);
  settle();
  EXPECT_LT(chiSquare(picks(of.all(), true)), kFairTen);
}

}  // namespace
}  // namespace loam::upstream
