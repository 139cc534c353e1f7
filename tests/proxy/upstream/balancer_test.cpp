#include "proxy/upstream/balancer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "cluster_fixture.h"

namespace loam::upstream {
namespace {

class BalancerTest : public ClusterFixture {};

TEST_F(BalancerTest, RandomIsFair) {
  const Cluster of = cluster(Algorithm::Random, 10);
  settle();
  EXPECT_LT(chiSquare(picks(of.all())), kFairTen);
  stateOf(of.all(), 0).setHealthy(false, clock.now());  // nobody heeds checks here, but it has to look
  EXPECT_LT(chiSquare(picks(of.all())), kFairTen);
}

TEST_F(BalancerTest, TwoChoicesOfIdleEndpointsAreFairToo) {
  for (const Algorithm algorithm : {Algorithm::LeastRequest, Algorithm::PeakEwma}) {
    const Cluster of = cluster(algorithm, 10);
    settle();
    EXPECT_LT(chiSquare(picks(of.all())), kFairTen);
  }
}

TEST_F(BalancerTest, ARoundTakesEachInTurn) {
  const Cluster of = cluster(Algorithm::RoundRobin, 7);
  settle();
  for (int round = 0; round < 100; ++round) {
    std::set<std::size_t> seen;
    for (int i = 0; i < 7; ++i) seen.insert(*pick(of.all()));
    EXPECT_EQ(seen.size(), 7u);
  }
}

TEST_F(BalancerTest, ProxiesDoNotBeginTheirRoundsInStep) {
  std::set<std::size_t> first;
  for (int i = 0; i < 50; ++i) first.insert(*pick(cluster(Algorithm::RoundRobin, 5).all()));
  EXPECT_EQ(first.size(), 5u);
}

TEST_F(BalancerTest, NobodyInheritsTheTurnsOfWhoIsAway) {
  const Cluster of = cluster({.balancer = {.algorithm = Algorithm::RoundRobin}, .health = HealthTerms{}}, endpoints(5));
  settle();
  stateOf(of.all(), 2).setHealthy(false, clock.now());
  EXPECT_EQ(picks(of.all(), false, 4000), (std::vector<int>{1000, 1000, 0, 1000, 1000}));
}

TEST_F(BalancerTest, LeastRequestSpreadsWhatIsUnderWay) {
  const Cluster of = cluster(Algorithm::LeastRequest, 10);
  settle();
  std::vector<InFlight> held;
  for (int i = 0; i < 10'000; ++i) held.push_back(of.all().begin(*pick(of.all()), clock.now()));
  std::vector<std::uint32_t> loads;
  for (std::size_t i = 0; i < 10; ++i) loads.push_back(stateOf(of.all(), i).underWay());
  const auto [least, most] = std::minmax_element(loads.begin(), loads.end());
  EXPECT_LE(*most - *least, 8u) << "of chance alone it would be about 100";
  held.clear();
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(stateOf(of.all(), i).underWay(), 0u);
}

TEST_F(BalancerTest, TheBusiestGetsNothing) {
  const Cluster of = cluster(Algorithm::LeastRequest, 3);
  settle();
  const InFlight busy = of.all().begin(1, clock.now());
  const auto times = picks(of.all(), false, 9000);
  EXPECT_EQ(times[1], 0);
  EXPECT_NEAR(times[0], times[2], 400);
}

TEST_F(BalancerTest, PeakEwmaAvoidsTheSlowAndWeighsWhatIsUnderWay) {
  const Cluster of = cluster(Algorithm::PeakEwma, 3);
  settle();
  exchange(of.all(), 0, {}, milliseconds(10));
  exchange(of.all(), 1, {}, milliseconds(10));
  exchange(of.all(), 2, {}, milliseconds(100));
  EXPECT_EQ(picks(of.all(), false, 1000)[2], 0);
  std::vector<InFlight> held;
  for (int i = 0; i < 12; ++i) {
    held.push_back(of.all().begin(0, clock.now()));
    held.push_back(of.all().begin(1, clock.now()));
  }
  EXPECT_NEAR(picks(of.all(), false, 3000)[2], 2000, 200) << "whenever it is one of the two: 13 x 10 ms is longer";
}

TEST_F(BalancerTest, PeakEwmaDoesNotTakeFastFailuresForSpeed) {
  const Cluster of = cluster(Algorithm::PeakEwma, 2);
  settle();
  exchange(of.all(), 0, {}, milliseconds(50));
  exchange(of.all(), 1, Failure::GatewayError, microseconds(100));
  EXPECT_EQ(picks(of.all(), false, 1000)[1], 0);
}

TEST_F(BalancerTest, PeakEwmaAsksTheUnknownOnceAndWaitsForItsAnswer) {
  const Cluster of = cluster(Algorithm::PeakEwma, 2);
  settle();
  exchange(of.all(), 0, {}, milliseconds(50));
  EXPECT_EQ(pick(of.all()), 1u);
  const InFlight first = of.all().begin(1, clock.now());
  EXPECT_EQ(picks(of.all(), false, 1000)[1], 0);
}

TEST_F(BalancerTest, WhatWasTriedComesLast) {
  for (const Algorithm algorithm : {Algorithm::LeastRequest, Algorithm::PeakEwma, Algorithm::RoundRobin,
                                    Algorithm::Random, Algorithm::RingHash, Algorithm::Maglev}) {
    const Cluster of = cluster(algorithm, 4);
    settle();
    const std::vector<std::size_t> some{0, 3};
    const std::vector<std::size_t> all{0, 1, 2, 3};
    for (int i = 0; i < 200; ++i) {
      const PickKey key = PickKey::of(std::to_string(i));
      const auto place = pick(of.all(), key, some);
      EXPECT_TRUE(place == 1u || place == 2u);
      EXPECT_TRUE(pick(of.all(), key, all)) << "better again than not at all";
    }
  }
}

TEST_F(BalancerTest, OneIsPickedAlwaysAndNoneNever) {
  for (const Algorithm algorithm : {Algorithm::LeastRequest, Algorithm::PeakEwma, Algorithm::RoundRobin,
                                    Algorithm::Random, Algorithm::RingHash, Algorithm::Maglev}) {
    const Cluster one = cluster(algorithm, 1);
    EXPECT_EQ(pick(one.all(), PickKey::of("a")), 0u);
    settle();
    EXPECT_EQ(pick(one.all()), 0u);
    EXPECT_FALSE(pick(cluster(algorithm, 0).all(), PickKey::of("a")));
  }
}

TEST_F(BalancerTest, APlaceIsFoundByItsAddress) {
  auto given = endpoints(3);
  std::reverse(given.begin(), given.end());
  given.push_back(given.front());
  const Cluster of = cluster({}, given);
  ASSERT_EQ(of.all().members().size(), 3u) << "each once";
  EXPECT_EQ(of.all().placeOf(addressOf(1)), 1u);
  EXPECT_EQ(of.all().endpoint(1).address, addressOf(1));
  EXPECT_FALSE(of.all().placeOf(addressOf(7)));
}

class SlowStartTest : public ClusterFixture {
 protected:
  /// Four that are known, and a fifth that came 3 s ago: its share is 0.3.
  Cluster withANewOne(const std::string& service, Algorithm algorithm) {
    Cluster known(service, {}, endpoints(4), states, dice, clock.now());
    settle();
    const ClusterTerms terms{.balancer = {.algorithm = algorithm}};
    const Monotonic came = clock.now();
    clock.advance(seconds(3));
    return {service, terms, endpoints(5), states, dice, came};
  }
};

TEST_F(SlowStartTest, ANewEndpointGetsAPartOfAShare) {
  const std::map<std::string, Algorithm> algorithms{{"random", Algorithm::Random},
                                                    {"round", Algorithm::RoundRobin},
                                                    {"two", Algorithm::LeastRequest},
                                                    {"ewma", Algorithm::PeakEwma}};
  for (const auto& [service, algorithm] : algorithms) {
    const Cluster of = withANewOne(service, algorithm);
    EXPECT_NEAR(picks(of.all())[4], kPicks * 0.3 / 4.3, 400) << service;
    clock.advance(seconds(7));
    EXPECT_NEAR(picks(of.all())[4], kPicks / 5, 600) << service;
  }
}

TEST_F(SlowStartTest, InARoundItsTurnsComeEvenly) {
  const Cluster of = withANewOne("round", Algorithm::RoundRobin);
  int since = 0;
  std::vector<int> gaps;
  for (int i = 0; i < 1000; ++i, ++since) {
    if (*pick(of.all()) == 4) gaps.push_back(std::exchange(since, 0));
  }
  ASSERT_GT(gaps.size(), 60u);
  for (std::size_t i = 1; i < gaps.size(); ++i) EXPECT_TRUE(gaps[i] >= 12 && gaps[i] <= 17) << gaps[i];
}

TEST_F(SlowStartTest, KeysComeToItBitByBitAndStay) {
  for (const Algorithm algorithm : {Algorithm::RingHash, Algorithm::Maglev}) {
    const Cluster of = withANewOne(algorithm == Algorithm::Maglev ? "maglev" : "ring", algorithm);
    std::vector<bool> has(10'000);
    double before = 0;
    for (int step = 0; step < 4; ++step, clock.advance(seconds(2))) {
      int count = 0;
      for (std::size_t i = 0; i < has.size(); ++i) {
        const bool here = pick(of.all(), PickKey::of("key-" + std::to_string(i))) == 4u;
        EXPECT_TRUE(here || !has[i]);
        has[i] = here;
        count += here ? 1 : 0;
      }
      EXPECT_GT(count, before);
      before = count;
    }
  }
}

TEST_F(SlowStartTest, WhoIsNewWithAllOthersGetsWhatTheyGet) {
  const Cluster of = cluster(Algorithm::Random, 10);
  EXPECT_LT(chiSquare(picks(of.all())), kFairTen);
  const Cluster round = cluster(Algorithm::RoundRobin, 4);
  EXPECT_EQ(picks(round.all(), false, 400), (std::vector<int>{100, 100, 100, 100}));
}

TEST_F(SlowStartTest, AnEndpointThatComesBackBeginsAnew) {
  const Cluster of = cluster({.balancer = {.algorithm = Algorithm::Random}, .health = HealthTerms{}}, endpoints(5));
  settle();
  stateOf(of.all(), 2).setHealthy(false, clock.now());
  stateOf(of.all(), 2).setHealthy(true, clock.now());
  EXPECT_NEAR(picks(of.all())[2], kPicks * 0.1 / 4.1, 400) << "a tenth from the first moment";
}

}  // namespace
}  // namespace loam::upstream
