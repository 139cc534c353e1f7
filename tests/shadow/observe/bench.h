#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shadow/observe/aggregator.h"
#include "tests/shadow/observe/fake_decoder.h"
#include "tests/support/fake_clock.h"

namespace loam::observe {

/// Some workers, an aggregator and a clock, all driven by hand: what a test of observation needs around it.
class Bench {
 public:
  explicit Bench(unsigned workers = 1, AggregatorLimits limits = {}, DecoderFactory decoders = fakeDecoders(),
                 std::size_t ring = Channel::kRecords)
      : owners(OwnSockets{}), aggregator(clock, 42, owners, pins, names, limits) {
    for (unsigned i = 0; i < workers; ++i) {
      channels.push_back(std::make_unique<Channel>(42, ring));
      factories.push_back(std::make_unique<ConnectionTapFactory>(*channels.back(), decoders));
      aggregator.attach(*channels.back());
    }
  }

  std::unique_ptr<relay::Tap> open(std::string_view client, std::string_view destination, unsigned worker = 0) {
    return factories[worker]->open(factsOf(client, destination), clock.now());
  }
  void say(relay::Tap& tap, std::string_view command, relay::Direction direction = relay::Direction::Upstream) {
    tap.onBytes(direction, bytesOf(command), clock.now());
  }
  void close(std::unique_ptr<relay::Tap>& tap, relay::CloseReason reason = relay::CloseReason::Finished) {
    tap->onClosed(reason, clock.now());
    tap.reset();
  }
  /// Time goes by in steps of a second: workers flush, the observer drains and seals.
  void pass(seconds time) {
    for (seconds gone{0}; gone < time; gone += seconds(1)) {
      clock.advance(seconds(1));
      for (const auto& factory : factories) factory->flush(clock.now());
      seal();
    }
  }
  void seal() {
    aggregator.drain();
    aggregator.seal([this](wire::EdgeReport edge) { sealed.push_back(std::move(edge)); });
  }
  /// Everything sealed so far of the edges that `wanted` picks.
  template <class Predicate>
  wire::Counts total(Predicate wanted) const {
    wire::Counts sum;
    for (const wire::EdgeReport& edge : sealed) {
      if (!wanted(edge)) continue;
      for (const wire::Bucket& bucket : edge.buckets) sum.merge(bucket.counts);
    }
    return sum;
  }
  wire::Counts total() const {
    return total([](const wire::EdgeReport&) { return true; });
  }
  wire::Counts ofProtocol(std::string_view protocol) const {
    return total([&](const wire::EdgeReport& edge) { return edge.protocol == protocol; });
  }
  std::map<std::string, std::uint64_t> routes() const {
    std::map<std::string, std::uint64_t> sum;
    for (const wire::EdgeReport& edge : sealed) {
      for (const wire::Bucket& bucket : edge.buckets) {
        for (const wire::RouteCounts& route : bucket.routes) sum[route.route] += route.counts.requests;
      }
    }
    return sum;
  }

  test::FakeClock clock;
  Owners owners;
  Pins pins;
  NameCollector names;
  Aggregator aggregator;
  std::vector<std::unique_ptr<Channel>> channels;
  std::vector<std::unique_ptr<ConnectionTapFactory>> factories;
  std::vector<wire::EdgeReport> sealed;
};

}  // namespace loam::observe
