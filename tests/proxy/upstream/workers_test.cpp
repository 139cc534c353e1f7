#include <algorithm>
#include <atomic>
#include <barrier>
#include <thread>

#include "cluster_fixture.h"

// Several threads over the same cluster at once, as workers are: what tsan looks at.
namespace loam::upstream {
namespace {

class WorkersTest : public ClusterFixture {
 protected:
  static constexpr int kEach = 5'000;

  /// Runs `work(worker, dice)` on four threads.
  template <class Work>
  void onWorkers(Work work) {
    std::vector<std::thread> threads;
    for (unsigned worker = 0; worker < 4; ++worker) {
      threads.emplace_back([&work, worker] {
        Dice own(worker + 1);
        work(worker, own);
      });
    }
    for (auto& thread : threads) thread.join();
  }
};

TEST_F(WorkersTest, CountsAreRightHoweverTheyAreMixed) {
  for (const Algorithm algorithm :
       {Algorithm::LeastRequest, Algorithm::PeakEwma, Algorithm::RoundRobin, Algorithm::RingHash, Algorithm::Maglev}) {
    const ClusterTerms terms{.balancer = {.algorithm = algorithm},
                             .health = HealthTerms{},
                             .ejection = EjectionTerms{.consecutive = 2, .failurePercent = 20, .maxPercent = 30}};
    const Cluster of = cluster(terms, endpoints(10));
    const Monotonic start = clock.now();
    std::atomic<bool> tooMany = false;
    onWorkers([&](unsigned worker, Dice& own) {
      for (int i = 0; i < kEach; ++i) {
        const Monotonic now = start + milliseconds(i * 50);
        const auto place = of.all().pick(PickKey::of(std::to_string(i)), own, now);
        if (!place) continue;
        InFlight flight = of.all().begin(*place, now);
        const bool fails = own.below(100) < (*place < 5 ? 60 : 5);
        flight.answered(now + milliseconds(5), fails ? std::optional(Failure::GatewayError) : std::nullopt);
        if (worker == 0 && i % 97 == 0) of.all().members()[9].state->setHealthy(i % 2 == 0, now);
        std::size_t out = 0;
        for (const Member& member : of.all().members()) out += member.state->isOut() ? 1 : 0;
        if (out > 3) tooMany = true;
      }
    });
    EXPECT_FALSE(tooMany) << "three of ten at once";
    std::uint32_t away = 0;
    for (const Member& member : of.all().members()) {
      EXPECT_EQ(member.state->underWay(), 0u);
      away += (member.state->isOut() ? 1 : 0) + (member.state->isHealthy() ? 0 : 1);
    }
    EXPECT_EQ(of.state().away.load(), away);
    EXPECT_GT(of.state().ejections.load(), 10u);
  }
}

TEST_F(WorkersTest, TwoThatEjectAtOnceAreNoMoreThanOne) {
  const ClusterTerms terms{.ejection = EjectionTerms{.consecutive = 1, .maxPercent = 1}};
  const Cluster of = cluster(terms, endpoints(200));  // many to count, so that two would meet
  const Monotonic now = clock.now();
  std::barrier together(4);
  std::size_t most = 0;
  onWorkers([&](unsigned worker, Dice&) {
    for (int round = 0; round < 1000; ++round) {
      together.arrive_and_wait();
      of.all().begin(worker, now).failed(now, Failure::Reset);
      together.arrive_and_wait();
      if (worker != 0) continue;
      std::size_t out = 0;
      for (std::size_t place = 0; place < 4; ++place) {
        EndpointState& state = stateOf(of.all(), place);
        out += state.isOut() ? 1 : 0;
        state.comeBack(now);
      }
      most = std::max(most, out);
    }
  });
  EXPECT_LE(most, 2u) << "a hundredth";
  EXPECT_GE(most, 1u);
}

TEST_F(WorkersTest, CapsHoldOverAllOfThem) {
  const Cluster of = cluster({.caps = {.requests = 7}}, endpoints(2));
  std::atomic<int> taken = 0;
  onWorkers([&](unsigned, Dice& own) {
    std::vector<CapPlace> held;
    for (int i = 0; i < 4 * kEach; ++i) {
      if (auto place = of.caps().take(Cap::Requests)) {
        held.push_back(*std::move(place));
        EXPECT_LE(taken.fetch_add(1) + 1, 7);
      }
      if (!held.empty() && own.below(2) == 0) {
        taken.fetch_sub(1);
        held.pop_back();
      }
    }
    taken.fetch_sub(static_cast<int>(held.size()));
  });
  EXPECT_EQ(of.caps().occupied(Cap::Requests), 0u);
  EXPECT_GT(of.state().refused.load(), 0u);
}

TEST_F(WorkersTest, ABudgetIsTheSameForAllOfThem) {
  const Cluster of = cluster({.budget = RetryBudgetTerms{.ratio = 0.1, .minPerSecond = 0}}, endpoints(2));
  const Monotonic now = clock.now();
  std::atomic<int> granted = 0;
  onWorkers([&](unsigned, Dice&) {
    for (int i = 0; i < kEach; ++i) {
      of.budget()->onExchange(now);
      for (int attempt = 0; attempt < 2; ++attempt) granted += of.budget()->mayRepeat(now) ? 1 : 0;
    }
  });
  EXPECT_LE(granted.load(), 4 * kEach / 10);
  EXPECT_GE(granted.load(), 4 * kEach / 10 - 40);
}

TEST_F(WorkersTest, SnapshotsComeWhileExchangesAreUnderWay) {
  const Cluster first = cluster({}, endpoints(4));
  const Monotonic now = clock.now();
  onWorkers([&](unsigned worker, Dice& own) {
    for (int i = 0; i < 300; ++i) {
      const std::string service = worker % 2 == 0 ? "shop" : "other";
      const Cluster next(service, {.subsets = {{{{"v", "1"}}}}}, endpoints(4 + worker), states, own, now);
      const auto place = next.all().pick({}, own, now);
      const InFlight flight = next.all().begin(*place, now);
    }
  });
  for (const Member& member : first.all().members()) EXPECT_EQ(member.state->underWay(), 0u);
}

}  // namespace
}  // namespace loam::upstream
