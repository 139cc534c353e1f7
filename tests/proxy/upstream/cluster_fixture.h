#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/upstream/cluster.h"
#include "tests/support/fake_clock.h"

namespace loam::upstream {

/// Clusters of endpoints 10.0.0.1, 10.0.0.2, ... whose states they share, on a clock that is moved.
class ClusterFixture : public testing::Test {
 protected:
  static constexpr int kPicks = 100'000;

  static SocketAddress addressOf(std::size_t i) {
    return {IpAddress::v4({10, 0, static_cast<std::uint8_t>(i / 250), static_cast<std::uint8_t>(i % 250 + 1)}), 80};
  }
  static std::vector<Endpoint> endpoints(std::size_t count) {
    std::vector<Endpoint> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back({.address = addressOf(i)});
    return all;
  }
  /// Those that nobody has known before are new from now on.
  Cluster cluster(ClusterTerms terms, std::vector<Endpoint> of) {
    return {"shop", std::move(terms), std::move(of), states, dice, clock.now()};
  }
  Cluster cluster(Algorithm algorithm, std::size_t count) {
    return cluster({.balancer = {.algorithm = algorithm}}, endpoints(count));
  }
  /// Until slow starts are over.
  void settle() { clock.advance(std::chrono::minutes(1)); }

  EndpointState& stateOf(const Balancer& balancer, std::size_t place) const { return *balancer.members()[place].state; }
  std::optional<std::size_t> pick(const Balancer& balancer, const PickKey& key = {},
                                  std::span<const std::size_t> tried = {}) {
    return balancer.pick(key, dice, clock.now(), tried);
  }
  /// How often each endpoint is picked; `keyed`: by a key of its own each.
  std::vector<int> picks(const Balancer& balancer, bool keyed = false, int count = kPicks) {
    std::vector<int> times(balancer.members().size());
    for (int i = 0; i < count; ++i) {
      const auto place = pick(balancer, keyed ? PickKey::of("key-" + std::to_string(i)) : PickKey());
      if (place) ++times[*place];
    }
    return times;
  }
  /// One exchange that went so.
  void exchange(const Balancer& balancer, std::size_t place, std::optional<Failure> failure = {},
                nanoseconds latency = nanoseconds(0)) {
    InFlight flight = balancer.begin(place, clock.now());
    flight.answered(clock.now() + latency, failure);
  }
  void exchanges(int count, const Balancer& balancer, std::size_t place, std::optional<Failure> failure = {}) {
    for (int i = 0; i < count; ++i) exchange(balancer, place, failure);
  }

  test::FakeClock clock;
  Dice dice{20'260'101};
  EndpointStates states;
};

/// Pearson's statistic of counts that should all be alike.
inline double chiSquare(const std::vector<int>& counts) {
  double sum = 0;
  for (const int count : counts) sum += count;
  const double expected = sum / static_cast<double>(counts.size());
  double statistic = 0;
  for (const int count : counts) statistic += (count - expected) * (count - expected) / expected;
  return statistic;
}
/// One in ten thousand sets of ten fair counts is above it (chi-square of 9 degrees of freedom).
constexpr double kFairTen = 33.72;

}  // namespace loam::upstream
