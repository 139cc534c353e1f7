#include "proxy/upstream/ejection.h"

#include "cluster_fixture.h"

namespace loam::upstream {
namespace {

class EjectionTest : public ClusterFixture {
 protected:
  static ClusterTerms ejecting(EjectionTerms terms = {}) {
    return {.balancer = {.algorithm = Algorithm::Random}, .ejection = std::move(terms)};
  }
  bool isIn(const Cluster& of, std::size_t place) const { return of.all().isAvailable(place, clock.now()); }
  std::size_t out(const Cluster& of) const {
    std::size_t count = 0;
    for (const Member& member : of.all().members()) count += member.state->isOut() ? 1 : 0;
    return count;
  }
  /// Out now, and in again `after` that and not before.
  void expectOutFor(const Cluster& of, std::size_t place, nanoseconds after) {
    EXPECT_FALSE(isIn(of, place));
    clock.advance(after - milliseconds(1));
    EXPECT_FALSE(isIn(of, place));
    clock.advance(milliseconds(1));
    EXPECT_TRUE(isIn(of, place));
  }
};

TEST_F(EjectionTest, AfterSoManyFailuresInARowAnEndpointGetsNothing) {
  const Cluster of = cluster(ejecting(), endpoints(10));
  exchanges(4, of.all(), 3, Failure::Reset);
  exchange(of.all(), 3);
  exchanges(4, of.all(), 3, Failure::Timeout);
  EXPECT_TRUE(isIn(of, 3)) << "a good one began the row anew";
  exchange(of.all(), 3, Failure::GatewayError);
  EXPECT_FALSE(isIn(of, 3));
  EXPECT_EQ(picks(of.all(), false, 10'000)[3], 0);
  EXPECT_EQ(of.state().ejections.load(), 1u);
}

TEST_F(EjectionTest, ItsProbeTakesItBackOrKeepsItOutForTwiceAsLong) {
  const Cluster of = cluster(ejecting(), endpoints(10));
  exchanges(5, of.all(), 3, Failure::Reset);
  expectOutFor(of, 3, seconds(30));
  exchange(of.all(), 3, Failure::Reset);
  expectOutFor(of, 3, seconds(60));
  exchange(of.all(), 3, Failure::Reset);
  expectOutFor(of, 3, seconds(120));
  exchange(of.all(), 3, Failure::Reset);
  expectOutFor(of, 3, seconds(240));
  exchange(of.all(), 3, Failure::Reset);
  expectOutFor(of, 3, seconds(300));
  exchange(of.all(), 3);
  EXPECT_EQ(out(of), 0u);
  EXPECT_EQ(of.state().returns.load(), 1u);
  settle();
  exchanges(4, of.all(), 3, Failure::Reset);
  EXPECT_TRUE(isIn(of, 3)) << "what was before is forgiven";
}

TEST_F(EjectionTest, OneThatStayedInForLongBeginsAnew) {
  const Cluster of = cluster(ejecting(), endpoints(10));
  exchanges(5, of.all(), 3, Failure::Reset);
  clock.advance(seconds(30));
  exchange(of.all(), 3);
  clock.advance(std::chrono::minutes(4));
  exchanges(5, of.all(), 3, Failure::Reset);
  expectOutFor(of, 3, seconds(60));
  exchange(of.all(), 3);
  clock.advance(std::chrono::minutes(5));
  exchanges(5, of.all(), 3, Failure::Reset);
  expectOutFor(of, 3, seconds(30));
}

TEST_F(EjectionTest, ThereIsOneProbeAtATime) {
  const Cluster of = cluster(ejecting(), endpoints(10));
  exchanges(5, of.all(), 3, Failure::Reset);
  clock.advance(seconds(30));
  InFlight probe = of.all().begin(3, clock.now());
  EXPECT_TRUE(probe.isProbe());
  EXPECT_FALSE(isIn(of, 3)) << "the others wait for what becomes of it";
  EXPECT_FALSE(of.all().begin(3, clock.now()).isProbe());
  probe.answered(clock.now());
  EXPECT_TRUE(isIn(of, 3)) << "as soon as it has an answer, however long that is";
  probe.failed(clock.now(), Failure::Reset);
  probe.end();
  EXPECT_TRUE(isIn(of, 3)) << "one failure like others";
}

TEST_F(EjectionTest, AProbeOfWhichNothingCameIsFollowedByAnother) {
  const Cluster of = cluster(ejecting(), endpoints(10));
  exchanges(5, of.all(), 3, Failure::Reset);
  clock.advance(seconds(30));
  { const InFlight left = of.all().begin(3, clock.now()); }
  EXPECT_TRUE(isIn(of, 3)) << "its client left: at once";
  const InFlight hangs = of.all().begin(3, clock.now());
  expectOutFor(of, 3, seconds(30));
  EXPECT_TRUE(of.all().begin(3, clock.now()).isProbe()) << "it hangs: after a while";
}

TEST_F(EjectionTest, WhatEndsWhileItIsOutSaysNothing) {
  const Cluster of = cluster(ejecting(), endpoints(10));
  InFlight old = of.all().begin(3, clock.now());
  exchanges(5, of.all(), 3, Failure::Reset);
  old.answered(clock.now());
  old.end();
  exchanges(20, of.all(), 3, Failure::Reset);
  expectOutFor(of, 3, seconds(30));
  EXPECT_EQ(of.state().ejections.load(), 1u);
}

TEST_F(EjectionTest, NoMoreThanAPartIsOutAndNeverTheLast) {
  const Cluster twenty = cluster(ejecting(), endpoints(20));
  for (std::size_t i = 0; i < 20; ++i) exchanges(5, twenty.all(), i, Failure::Reset);
  EXPECT_EQ(out(twenty), 2u) << "a tenth";
  EXPECT_EQ(twenty.state().spared.load(), 18u);
}

TEST_F(EjectionTest, OfFewOneMayBeOutWhateverThePercentage) {
  const Cluster two = cluster(ejecting(), endpoints(2));
  exchanges(5, two.all(), 0, Failure::Reset);
  exchanges(50, two.all(), 1, Failure::Reset);
  EXPECT_FALSE(isIn(two, 0));
  EXPECT_TRUE(isIn(two, 1));
}

TEST_F(EjectionTest, TheLastIsNeverOut) {
  const Cluster all = cluster(ejecting({.maxPercent = 100}), endpoints(4));
  for (std::size_t i = 0; i < 4; ++i) exchanges(9, all.all(), i, Failure::Reset);
  EXPECT_EQ(out(all), 3u);
  states.of("alone", addressOf(0), clock.now());
  const Cluster one("alone", ejecting(), endpoints(1), states, dice, clock.now());
  exchanges(50, one.all(), 0, Failure::ConnectFailure);
  EXPECT_TRUE(isIn(one, 0));
}

TEST_F(EjectionTest, TheLastHealthyOneIsTheLast) {
  ClusterTerms terms = ejecting({.maxPercent = 100});
  terms.health = HealthTerms{};
  const Cluster of = cluster(terms, endpoints(3));
  stateOf(of.all(), 1).setHealthy(false, clock.now());
  stateOf(of.all(), 2).setHealthy(false, clock.now());
  exchanges(9, of.all(), 0, Failure::Reset);
  EXPECT_TRUE(isIn(of, 0));
}

TEST_F(EjectionTest, APercentageOfAnIntervalIsEnoughToo) {
  const EjectionTerms terms{.failurePercent = 30, .leastExchanges = 20};
  const Cluster of = cluster(ejecting(terms), endpoints(10));
  const auto three = [&](int times) {
    for (int i = 0; i < times; ++i) {
      exchange(of.all(), 3, Failure::GatewayError);
      exchanges(2, of.all(), 3);
    }
  };
  three(6);
  EXPECT_TRUE(isIn(of, 3)) << "18 of them";
  clock.advance(seconds(10));
  three(6);
  EXPECT_TRUE(isIn(of, 3)) << "18 in another interval";
  three(1);
  EXPECT_TRUE(isIn(of, 3)) << "a failure was the 19th";
  exchange(of.all(), 3, Failure::GatewayError);
  EXPECT_FALSE(isIn(of, 3)) << "8 of 22";
}

TEST_F(EjectionTest, KindsThatAreNotNamedAreNoFailures) {
  const Cluster of = cluster(ejecting(), endpoints(10));
  exchanges(20, of.all(), 3, Failure::ServerError);
  EXPECT_TRUE(isIn(of, 3));
  const Cluster strict = cluster(ejecting({.on = {Failure::ServerError}}), endpoints(10));
  exchanges(20, strict.all(), 3, Failure::Timeout);
  EXPECT_TRUE(isIn(strict, 3));
  exchanges(3, strict.all(), 3, failureOf(500));
  exchanges(2, strict.all(), 3, failureOf(503));
  EXPECT_FALSE(isIn(strict, 3)) << "any 5xx is an error of the server";
  EXPECT_FALSE(failureOf(404));
}

TEST_F(EjectionTest, SimulatedItCountsAndNobodyIsAvoided) {
  const Cluster of = cluster(ejecting({.simulated = true}), endpoints(10));
  settle();
  exchanges(5, of.all(), 3, Failure::Reset);
  EXPECT_EQ(of.state().ejections.load(), 1u);
  EXPECT_LT(chiSquare(picks(of.all())), kFairTen);
  clock.advance(seconds(30));
  exchange(of.all(), 3);
  EXPECT_EQ(of.state().returns.load(), 1u);
}

TEST_F(EjectionTest, HoldsForWhomItCovers) {
  EjectionTerms terms;
  terms.covers = [](const SocketAddress& address) { return address != addressOf(3); };
  const Cluster of = cluster(ejecting(terms), endpoints(10));
  exchanges(9, of.all(), 3, Failure::Reset);
  EXPECT_TRUE(isIn(of, 3));
  exchanges(9, of.all(), 4, Failure::Reset);
  EXPECT_FALSE(isIn(of, 4));
}

TEST_F(EjectionTest, SwitchedOffNobodyIsOut) {
  const Cluster of = cluster(ejecting(), endpoints(10));
  exchanges(5, of.all(), 3, Failure::Reset);
  const Cluster without = cluster(Algorithm::Random, 10);
  settle();
  EXPECT_LT(chiSquare(picks(without.all())), kFairTen);
}

}  // namespace
}  // namespace loam::upstream
