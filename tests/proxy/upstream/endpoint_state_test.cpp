#include "proxy/upstream/endpoint_state.h"

#include "cluster_fixture.h"

namespace loam::upstream {
namespace {

TEST(SlotCountTest, CountsOfASlotAndBeginsAnewWithTheNext) {
  SlotCount count;
  EXPECT_EQ(count.add(7, 1, 0).all, 1u);
  EXPECT_EQ(count.add(7, 1, 1).marked, 1u);
  EXPECT_EQ(count.of(7).all, 2u);
  EXPECT_EQ(count.of(8).all, 0u);
  EXPECT_EQ(count.add(8, 1, 1).all, 1u);
  EXPECT_EQ(count.of(7).all, 0u);
}

TEST(SlotCountTest, WhatComesLateCountsToWhatStandsThere) {
  SlotCount count;
  count.add(100, 1, 0);
  EXPECT_EQ(count.add(98, 1, 1).all, 2u);
  EXPECT_EQ(count.of(100).marked, 1u);
  EXPECT_EQ(count.add(20, 1, 0).all, 1u) << "of another age";
  EXPECT_EQ(count.add((1U << 20U) + 21, 1, 0).all, 1u);
}

TEST(SlotCountTest, TakesBackAndStaysFull) {
  SlotCount count;
  count.add(1, 0, 3);
  count.takeBack(1, 0, 1);
  EXPECT_EQ(count.of(1).marked, 2u);
  count.takeBack(2, 0, 1);
  EXPECT_EQ(count.of(1).marked, 2u);
  count.takeBack(1, 5, 5);
  EXPECT_EQ(count.of(1).marked, 0u);
  count.add(1, (1U << 22U) - 2, 0);
  EXPECT_EQ(count.add(1, 5, 0).all, (1U << 22U) - 1);
  EXPECT_EQ(count.of(1).marked, 0u);
}

class PeakEwmaTest : public testing::Test {
 protected:
  test::FakeClock clock;
  PeakEwma ewma;
};

TEST_F(PeakEwmaTest, APeakCountsAtOnceAndFadesWithTime) {
  EXPECT_EQ(ewma.at(clock.now()), 0);
  ewma.observe(milliseconds(10), clock.now());
  EXPECT_NEAR(ewma.at(clock.now()), 10'000, 1);
  clock.advance(seconds(1));
  ewma.observe(milliseconds(80), clock.now());
  EXPECT_NEAR(ewma.at(clock.now()), 80'000, 1) << "whole";
  clock.advance(seconds(10));
  EXPECT_NEAR(ewma.at(clock.now()), 80'000 * 0.36788, 10) << "1/e after the decay";
  clock.advance(std::chrono::hours(1));
  EXPECT_LT(ewma.at(clock.now()), 1) << "forgotten";
}

TEST_F(PeakEwmaTest, FasterAnswersPullItDownByTheTimeThatPassed) {
  ewma.observe(milliseconds(100), clock.now());
  ewma.observe(milliseconds(10), clock.now());
  EXPECT_NEAR(ewma.at(clock.now()), 100'000, 1) << "no time has passed";
  clock.advance(seconds(10));
  ewma.observe(milliseconds(10), clock.now());
  EXPECT_NEAR(ewma.at(clock.now()), 100'000 * 0.36788 + 10'000 * 0.63212, 10);
}

TEST_F(PeakEwmaTest, TimeThatIsALittleBehindIsNone) {
  const Monotonic before = clock.now();
  clock.advance(milliseconds(5));
  ewma.observe(milliseconds(100), clock.now());
  EXPECT_NEAR(ewma.at(before), 100'000, 1);
}

class InFlightTest : public ClusterFixture {};

TEST_F(InFlightTest, IsCountedUntilItsEnd) {
  const Cluster of = cluster(Algorithm::LeastRequest, 1);
  EndpointState& state = stateOf(of.all(), 0);
  {
    InFlight one = of.all().begin(0, clock.now());
    InFlight other = of.all().begin(0, clock.now());
    EXPECT_EQ(state.underWay(), 2u);
    InFlight moved = std::move(one);
    EXPECT_FALSE(one);  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(state.underWay(), 2u);
    other = std::move(moved);
    EXPECT_EQ(state.underWay(), 1u);
    other.end();
    other.end();
    EXPECT_EQ(state.underWay(), 0u);
    const InFlight none;
    EXPECT_FALSE(none);
  }
  EXPECT_EQ(state.underWay(), 0u);
}

TEST_F(InFlightTest, SaysHowLongAnAnswerTook) {
  const Cluster of = cluster(Algorithm::LeastRequest, 1);
  InFlight flight = of.all().begin(0, clock.now());
  clock.advance(milliseconds(30));
  flight.answered(clock.now());
  EXPECT_NEAR(stateOf(of.all(), 0).latency().at(clock.now()), 30'000, 1);
  clock.advance(milliseconds(1));
  InFlight failing = of.all().begin(0, clock.now());
  failing.failed(clock.now(), Failure::ConnectFailure);
  EXPECT_NEAR(stateOf(of.all(), 0).latency().at(clock.now()), 1'000'000, 1) << "a failure is no speed";
}

class EndpointStatesTest : public ClusterFixture {};

TEST_F(EndpointStatesTest, OutliveTheSnapshotThatMadeThem) {
  const ClusterTerms terms{.ejection = EjectionTerms{}};
  auto old = std::make_unique<Cluster>("shop", terms, endpoints(3), states, dice, clock.now());
  settle();
  InFlight flight = old->all().begin(0, clock.now());
  exchanges(5, old->all(), 1, Failure::Reset);
  const Cluster next = cluster(terms, endpoints(4));
  old.reset();
  EXPECT_EQ(stateOf(next.all(), 0).underWay(), 1u);
  EXPECT_TRUE(stateOf(next.all(), 1).isEjected(clock.now()));
  EXPECT_FALSE(next.all().isAvailable(1, clock.now()));
  flight.end();
  EXPECT_EQ(stateOf(next.all(), 0).underWay(), 0u);
  EXPECT_EQ(stateOf(next.all(), 0).share(clock.now(), seconds(10)), 1) << "known since long";
  EXPECT_LT(stateOf(next.all(), 3).share(clock.now(), seconds(10)), 1) << "new";
}

TEST_F(EndpointStatesTest, WhoIsNamedAgainStartsSlowlyButIsNotForgiven) {
  {
    const Cluster of = cluster({.ejection = EjectionTerms{}}, endpoints(3));
    exchanges(5, of.all(), 1, Failure::Reset);
  }
  settle();
  const Cluster again = cluster({.ejection = EjectionTerms{}}, endpoints(3));
  EXPECT_EQ(stateOf(again.all(), 0).share(clock.now(), seconds(10)), EndpointState::kLeastShare);
  EXPECT_TRUE(stateOf(again.all(), 1).isOut());
}

TEST_F(EndpointStatesTest, WhatNoSnapshotNamesIsForgottenInTime) {
  const Cluster kept = cluster({}, endpoints(2));
  { const Cluster of = cluster({}, endpoints(5)); }
  EXPECT_EQ(states.size(), 5u);
  clock.advance(std::chrono::minutes(9));
  states.of("other", addressOf(0), clock.now());
  EXPECT_EQ(states.size(), 6u);
  clock.advance(std::chrono::minutes(3));
  states.of("third", addressOf(0), clock.now());
  EXPECT_EQ(states.size(), 4u) << "two in use, two of late";
}

TEST_F(EndpointStatesTest, ServicesAreApart) {
  const auto one = states.of("a", addressOf(0), clock.now());
  const auto other = states.of("b", addressOf(0), clock.now());
  EXPECT_NE(one, other);
  EXPECT_NE(states.ofService("a"), states.ofService("b"));
  EXPECT_EQ(one, states.of("a", addressOf(0), clock.now()));
}

TEST_F(EndpointStatesTest, TheTableHasABoundAndWhatIsBeyondItStillWorks) {
  std::vector<std::shared_ptr<EndpointState>> held;
  for (std::size_t i = 0; i < EndpointStates::kMost; ++i) {
    held.push_back(states.of("s", {addressOf(0).ip, static_cast<std::uint16_t>(i)}, clock.now()));
  }
  const auto beyond = states.of("t", addressOf(0), clock.now());
  ASSERT_TRUE(beyond);
  EXPECT_EQ(states.size(), EndpointStates::kMost);
  EXPECT_NE(states.of("t", addressOf(0), clock.now()), beyond) << "not shared";
  held.pop_back();
  const auto kept = states.of("t", addressOf(0), clock.now());
  EXPECT_EQ(states.of("t", addressOf(0), clock.now()), kept) << "unused ones make room at once";
}

TEST_F(EndpointStatesTest, AnEndpointThatIsForgottenWhileItIsAwayLeavesNobodyAway) {
  const auto service = states.ofService("shop");
  {
    const Cluster of = cluster({.ejection = EjectionTerms{}}, endpoints(3));
    exchanges(5, of.all(), 1, Failure::Reset);
    stateOf(of.all(), 2).setHealthy(false, clock.now());
    EXPECT_EQ(service->away.load(), 2u);
  }
  clock.advance(std::chrono::hours(1));
  states.of("other", addressOf(0), clock.now());
  clock.advance(std::chrono::hours(1));
  states.of("other", addressOf(0), clock.now());
  EXPECT_EQ(service->away.load(), 0u);
}

}  // namespace
}  // namespace loam::upstream
