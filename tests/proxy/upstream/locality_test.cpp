#include <numeric>

#include "cluster_fixture.h"

namespace loam::upstream {
namespace {

/// The first endpoints are in zone a, where the proxy is too.
class LocalityTest : public ClusterFixture {
 protected:
  Cluster zones(std::size_t own, std::size_t others, Algorithm algorithm = Algorithm::Random) {
    auto all = endpoints(own + others);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].zone = i < own ? "a" : i % 2 == 0 ? "b" : "";
    return {"shop",         {.balancer = {.algorithm = algorithm, .zone = "a"}, .health = HealthTerms{}},
            std::move(all), states,
            dice,           clock.now() - std::chrono::minutes(1)};
  }
  void turnAway(const Cluster& of, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) stateOf(of.all(), i).setHealthy(false, clock.now());
  }
  /// The part of the picks that stays in the first `own`.
  double stays(const Cluster& of, std::size_t own, bool keyed = false) {
    const auto times = picks(of.all(), keyed);
    return std::accumulate(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(own), 0.0) / kPicks;
  }
};

TEST_F(LocalityTest, EnoughEndpointsInTheOwnZoneGetEverything) {
  for (const Algorithm algorithm : {Algorithm::Random, Algorithm::LeastRequest, Algorithm::RoundRobin}) {
    const Cluster of = zones(6, 6, algorithm);
    EXPECT_EQ(stays(of, 6), 1.0);
  }
}

TEST_F(LocalityTest, WithFewerAPartGoesElsewhere) {
  const Cluster of = zones(6, 6);
  turnAway(of, 0, 3);
  EXPECT_NEAR(stays(of, 6), 0.5, 0.01) << "three of the six that it takes";
  turnAway(of, 3, 4);
  EXPECT_NEAR(stays(of, 6), 2.0 / 6, 0.01);
}

TEST_F(LocalityTest, ThePartThatStaysIsNeverLessThanTheirsOfAll) {
  EXPECT_NEAR(stays(zones(4, 1), 4), 0.8, 0.01) << "four of five, and not four of six";
}

TEST_F(LocalityTest, WithNoneLeftEverythingGoesElsewhereAndTheOtherWayRound) {
  const Cluster of = zones(3, 6);
  turnAway(of, 0, 3);
  EXPECT_EQ(stays(of, 3), 0.0);
  const Cluster other = zones(5, 4);
  for (std::size_t i = 0; i < 5; ++i) stateOf(other.all(), i).setHealthy(true, clock.now());
  turnAway(other, 5, 9);
  EXPECT_EQ(stays(other, 5), 1.0);
}

TEST_F(LocalityTest, AKeyKnowsItsZone) {
  const Cluster of = zones(3, 6, Algorithm::Maglev);
  EXPECT_NEAR(stays(of, 3, true), 0.5, 0.01);
  for (int i = 0; i < 1000; ++i) {
    const PickKey key = PickKey::of(std::to_string(i));
    EXPECT_EQ(pick(of.all(), key), pick(of.all(), key));
  }
}

TEST_F(LocalityTest, ZonesDoNotMatterWhereNobodyAsksForThem) {
  auto all = endpoints(10);
  all[0].zone = "a";
  const Cluster of = cluster({.balancer = {.algorithm = Algorithm::Random}}, all);
  settle();
  EXPECT_LT(chiSquare(picks(of.all())), kFairTen);
}

class PanicTest : public ClusterFixture {
 protected:
  Cluster checked(std::uint32_t panicPercent) {
    return {"shop",
            {.balancer = {.algorithm = Algorithm::Random, .panicPercent = panicPercent}, .health = HealthTerms{}},
            endpoints(10),
            states,
            dice,
            clock.now() - std::chrono::minutes(1)};
  }
};

TEST_F(PanicTest, WithHalfOfThemHealthyOnlyThoseArePicked) {
  const Cluster of = checked(50);
  for (std::size_t i = 0; i < 5; ++i) stateOf(of.all(), i).setHealthy(false, clock.now());
  const auto times = picks(of.all(), false, 10'000);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(times[i] == 0, i < 5);
  EXPECT_EQ(of.state().panics.load(), 0u);
}

TEST_F(PanicTest, WithFewerAllCountAsHealthy) {
  const Cluster of = checked(50);
  for (std::size_t i = 0; i < 6; ++i) stateOf(of.all(), i).setHealthy(false, clock.now());
  EXPECT_LT(chiSquare(picks(of.all())), kFairTen);
  EXPECT_EQ(of.state().panics.load(), static_cast<std::uint64_t>(kPicks));
}

TEST_F(PanicTest, AtNoPercentThereIsNone) {
  const Cluster of = checked(0);
  for (std::size_t i = 0; i < 9; ++i) stateOf(of.all(), i).setHealthy(false, clock.now());
  EXPECT_EQ(picks(of.all(), false, 100)[9], 100);
  stateOf(of.all(), 9).setHealthy(false, clock.now());
  EXPECT_FALSE(pick(of.all()));
}

TEST_F(PanicTest, WhatChecksSaidIsForgottenWithTheChecks) {
  const Cluster of = checked(50);
  stateOf(of.all(), 0).setHealthy(false, clock.now());
  const Cluster unchecked = cluster(Algorithm::Random, 10);
  settle();
  EXPECT_LT(chiSquare(picks(unchecked.all())), kFairTen);
}

class SubsetTest : public ClusterFixture {};

TEST_F(SubsetTest, HasThoseThatCarryAllItsLabels) {
  auto all = endpoints(6);
  for (std::size_t i = 0; i < 6; ++i) all[i].labels = {{"version", i < 2 ? "v2" : "v1"}, {"tier", i % 2 ? "x" : "y"}};
  const Labels v2{{"version", "v2"}};
  const Labels v2x{{"version", "v2"}, {"tier", "x"}};
  const Cluster of = cluster({.balancer = {.algorithm = Algorithm::Random},
                              .subsets = {{v2, Algorithm::RoundRobin}, {v2x}, {{{"version", "v3"}}}, {v2}}},
                             all);
  settle();
  ASSERT_NE(of.subset(v2), nullptr);
  EXPECT_EQ(picks(*of.subset(v2), false, 10), (std::vector<int>{5, 5})) << "by the algorithm of its own";
  ASSERT_EQ(of.subset(v2x)->members().size(), 1u);
  EXPECT_EQ(of.subset(v2x)->endpoint(0).address, addressOf(1));
  EXPECT_FALSE(pick(*of.subset({{"version", "v3"}})));
  EXPECT_EQ(of.subset({{"version", "v1"}}), nullptr) << "nobody named it";
}

TEST_F(SubsetTest, SharesWhatIsKnownOfItsEndpoints) {
  auto all = endpoints(3);
  all[2].labels = {{"version", "v2"}};
  const Cluster of = cluster({.subsets = {{all[2].labels}}}, all);
  const InFlight flight = of.subset(all[2].labels)->begin(0, clock.now());
  EXPECT_EQ(stateOf(of.all(), 2).underWay(), 1u);
}

}  // namespace
}  // namespace loam::upstream
