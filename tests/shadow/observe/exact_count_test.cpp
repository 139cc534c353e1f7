// The promise of exactness: whatever the interleaving of connections, exchanges, bytes and protocols over the workers,
// the sealed buckets add up to an independent count, bucket by bucket.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>
#include <tuple>

#include "tests/shadow/observe/bench.h"

namespace loam::observe {
namespace {

/// (client, destination, bucket) -> what was done.
using Key = std::tuple<std::string, std::string, std::int64_t>;
struct Truth {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  auto operator<=>(const Truth&) const = default;
};

struct Live {
  std::unique_ptr<relay::Tap> tap;
  std::string client;
  std::string destination;
  std::string protocol;
  bool spoke = false;
};

class Traffic {
 public:
  Traffic(Bench& bench, std::uint64_t seed) : bench_(bench), random_(seed) {}

  void step() {
    const unsigned what = pick(100);
    if (what < 15 || live_.empty()) return open();
    Live& one = live_[pick(static_cast<unsigned>(live_.size()))];
    if (what < 25) return close(one);
    if (what < 27) return bench_.clock.advance(milliseconds(pick(1500)));
    if (what < 30)
      return bench_.factories[pick(static_cast<unsigned>(bench_.factories.size()))]->flush(bench_.clock.now());
    if (what < 33) return bench_.aggregator.drain();
    if (what < 35) return bench_.seal();
    if (what < 50) return skip(one);
    exchange(one);
  }
  void end() {
    while (!live_.empty()) close(live_.back());
    for (std::size_t waiting = 1; waiting > 0;) {
      waiting = 0;
      bench_.seal();
      for (unsigned i = 0; i < bench_.factories.size(); ++i) {
        bench_.factories[i]->flush(bench_.clock.now());
        waiting += bench_.channels[i]->backlog();
      }
    }
    bench_.seal();
  }

  std::map<Key, Truth> truth;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> bytes;  // by destination
  std::map<std::string, std::uint64_t> requestsOf;                       // by protocol

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  std::int64_t bucket(Monotonic at) const {
    const auto wall = bench_.clock.wall() - (bench_.clock.now() - at);
    const std::int64_t second = std::chrono::floor<seconds>(wall.time_since_epoch()).count();
    return second - second % wire::kBucketSeconds;
  }
  void open() {
    static const char* const kProtocols[] = {"http", "postgres", "grpc", "tcp"};
    Live one;
    one.client = "10.0.0." + std::to_string(1 + pick(3));
    const unsigned service = pick(4);
    one.destination = "10.1.0." + std::to_string(service) + ":80";
    one.protocol = kProtocols[service];
    one.tap = bench_.open(one.client + ":" + std::to_string(1024 + next_++ % 60000), one.destination,
                          pick(static_cast<unsigned>(bench_.factories.size())));
    ++truth[{one.client, one.destination, bucket(bench_.clock.now())}].connections;
    live_.push_back(std::move(one));
  }
  void say(Live& one, const std::string& text) {
    bytes[one.destination].first += text.size();
    bench_.say(*one.tap, text);
  }
  void exchange(Live& one) {
    if (!std::exchange(one.spoke, true)) say(one, one.protocol);
    if (one.protocol == "tcp") return;
    const bool good = pick(10) != 0;
    say(one, good ? "ok GET /things/" + std::to_string(pick(1000)) : "bad GET /things");
    Truth& truthHere = truth[{one.client, one.destination, bucket(bench_.clock.now())}];
    ++truthHere.requests;
    if (!good) ++truthHere.errors;
    ++requestsOf[one.protocol == "http" ? "http1" : one.protocol];
  }
  void skip(Live& one) {
    if (!std::exchange(one.spoke, true)) say(one, one.protocol);
    const std::uint64_t count = pick(100000);
    bytes[one.destination].second += count;
    one.tap->onSkipped(relay::Direction::Downstream, count, bench_.clock.now());
  }
  void close(Live& one) {
    bench_.close(one.tap);
    std::swap(one, live_.back());
    live_.pop_back();
  }

  Bench& bench_;
  std::mt19937_64 random_;
  std::vector<Live> live_;
  unsigned next_ = 0;
};

TEST(ExactCountTest, SealedBucketsEqualAnIndependentCount) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Bench bench(1 + seed % 4, {}, fakeDecoders(), seed % 3 == 0 ? 32 : Channel::kRecords);
    Traffic traffic(bench, seed);
    for (int i = 0; i < 8000; ++i) traffic.step();
    traffic.end();
    ASSERT_EQ(bench.aggregator.losses().records, 0u);
    std::map<Key, Truth> counted;
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> bytes;
    std::map<std::string, std::uint64_t> requestsOf;
    for (const wire::EdgeReport& edge : bench.sealed) {
      for (const wire::Bucket& bucket : edge.buckets) {
        Truth& here = counted[{edge.client.text(), edge.destination.text(), bucket.start}];
        here.connections += bucket.counts.connections;
        here.requests += bucket.counts.requests;
        here.errors += bucket.counts.errors;
        bytes[edge.destination.text()].first += bucket.counts.bytesSent;
        bytes[edge.destination.text()].second += bucket.counts.bytesReceived;
        if (bucket.counts.requests > 0) requestsOf[edge.protocol] += bucket.counts.requests;
        std::uint64_t routed = 0;
        for (const wire::RouteCounts& route : bucket.routes) routed += route.counts.requests;
        EXPECT_EQ(routed, bucket.counts.requests);
        EXPECT_EQ(bucket.counts.latency.count(), bucket.counts.requests);
      }
    }
    std::erase_if(counted, [](const auto& entry) { return entry.second == Truth{}; });  // buckets of bytes alone
    EXPECT_TRUE(counted == traffic.truth) << "seed " << seed;
    EXPECT_TRUE(bytes == traffic.bytes) << "seed " << seed;
    EXPECT_EQ(requestsOf, traffic.requestsOf);
    EXPECT_EQ(bench.aggregator.liveConnections(), 0u);
  }
}

TEST(ExactCountTest, WorkersOnTheirOwnThreadsLoseNothing) {
  constexpr unsigned kWorkers = 3;
  constexpr int kConnections = 300;
  constexpr int kExchanges = 40;
  Bench bench(kWorkers, {}, fakeDecoders(), 8192);
  std::atomic<unsigned> running{kWorkers};
  std::vector<std::thread> workers;
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      const Monotonic now = bench.clock.now();
      for (int i = 0; i < kConnections; ++i) {
        auto tap = bench.factories[worker]->open(factsOf("10.0.0.1:" + std::to_string(1000 + i), "10.0.0.2:80"), now);
        tap->onBytes(relay::Direction::Upstream, bytesOf("http"), now);
        for (int exchange = 0; exchange < kExchanges; ++exchange) {
          tap->onBytes(relay::Direction::Upstream, bytesOf("ok GET /a"), now);
        }
        tap->onClosed(relay::CloseReason::Finished, now);
        if (i % 16 == 0) std::this_thread::yield();
      }
      while (bench.channels[worker]->backlog() > 0) {
        bench.factories[worker]->flush(now);
        std::this_thread::yield();
      }
      running.fetch_sub(1);
    });
  }
  while (running.load() > 0) {
    bench.seal();
    std::this_thread::yield();
  }
  for (std::thread& worker : workers) worker.join();
  bench.seal();
  const auto total = bench.total();
  EXPECT_EQ(bench.aggregator.losses().records, 0u);
  EXPECT_EQ(total.connections, kWorkers * kConnections);
  EXPECT_EQ(total.requests, kWorkers * kConnections * kExchanges);
  EXPECT_EQ(total.bytesSent, kWorkers * kConnections * (4u + kExchanges * 9u));
}

}  // namespace
}  // namespace loam::observe
