// What observation costs at most: allocations of a worker, memory of the observer under hostile hosts and paths.
#include <gtest/gtest.h>

#include "shadow/observe/observer.h"
#include "tests/shadow/observe/allocation_count.h"
#include "tests/shadow/observe/bench.h"

namespace loam::observe {
namespace {

constexpr std::uint64_t kMostObserverBytes = 64 * 1024 * 1024;

TEST(BoundsTest, AnExchangeAllocatesNothingInTheWorker) {
  test::FakeClock clock;
  Channel channel(1);
  ConnectionTapFactory factory(channel, fakeDecoders());
  auto tap = factory.open(factsOf("10.0.0.1:40000", "10.0.0.2:80"), clock.now());
  tap->onBytes(relay::Direction::Upstream, bytesOf("http"), clock.now());
  const auto before = allocations().count;
  for (int i = 0; i < 10000; ++i) {
    clock.advance(milliseconds(1));
    tap->onBytes(relay::Direction::Upstream, bytesOf(i % 2 == 0 ? "ok GET /users/1" : "bad GET /users/2"), clock.now());
    if (i % 1000 == 0) factory.flush(clock.now());
  }
  EXPECT_EQ(allocations().count, before);
  EXPECT_EQ(channel.lost(), 0u);
}

TEST(BoundsTest, AConnectionAllocatesItsTapAndItsDecoder) {
  test::FakeClock clock;
  Channel channel(1);
  ConnectionTapFactory factory(channel, fakeDecoders());
  factory.open(factsOf("10.0.0.1:40000", "10.0.0.2:80"), clock.now()).reset();
  const auto before = allocations();
  auto tap = factory.open(factsOf("10.0.0.1:40000", "10.0.0.2:80"), clock.now());
  EXPECT_EQ(allocations().count - before.count, 2u);
  EXPECT_LE(allocations().live - before.live, sizeof(ConnectionTap) + sizeof(FakeDecoder) + 32);
}

TEST(BoundsTest, AWorkersChannelStaysBelowTwoMegabytes) {
  const auto before = allocations().live;
  const Channel channel(1);
  EXPECT_LE(allocations().live - before, 2u * 1024 * 1024);
}

/// Drives an observer with a million connections, each to another host and with paths and names nobody saw before.
class Hostile {
 public:
  Hostile()
      : observer_(
            {.proxy = "p", .seed = 7, .hostsPath = "/nonexistent"}, clock_, nullptr, nullptr,
            [this](const wire::Report& report) { take(report); }, [] { return std::uint64_t{0}; }) {
    observer_.attach(channel_);
  }
  void run(std::uint64_t connections) {
    for (std::uint64_t i = 0; i < connections; ++i) {
      relay::ConnectionFacts facts = factsOf("10.0.0.1:40000", "10.0.0.2:80");
      std::array<std::uint8_t, 4> bytes{11, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                                        static_cast<std::uint8_t>(i)};
      facts.destination.ip = IpAddress::v4(bytes);
      auto tap = factory_.open(facts, clock_.now());
      const auto say = [&](const std::string& text) {
        tap->onBytes(relay::Direction::Upstream, bytesOf(text), clock_.now());
      };
      say("http");
      say("host " + word(i) + ".example");
      say("ok GET /" + word(i) + "/" + std::string(180, 'x') + "/" + word(i * 31));
      say("ok GET /" + word(i % 500) + "/" + word(i));
      tap->onClosed(relay::CloseReason::Finished, clock_.now());
      if (i % 500 == 0) {
        clock_.advance(milliseconds(50));
        observer_.tick();
      }
    }
    observer_.finish();
  }
  wire::Counts total;
  wire::Losses losses;
  std::uint64_t lastSequence = 0;

 private:
  static std::string word(std::uint64_t number) {
    std::string text;
    for (number = number * 0x9E3779B97F4A7C15u; text.size() < 12; number /= 20)
      text.push_back(static_cast<char>('g' + number % 20));
    return text;
  }
  void take(const wire::Report& report) {
    EXPECT_EQ(report.sequence, lastSequence + 1);
    lastSequence = report.sequence;
    for (const wire::EdgeReport& edge : report.edges) {
      for (const wire::Bucket& bucket : edge.buckets) total.merge(bucket.counts);
    }
    losses = report.losses;
    if (lastSequence % 16 == 0) {
      EXPECT_LE(wire::encode(report).size(), wire::kMostReportBytes / 2);
    }
  }

  test::FakeClock clock_;
  Channel channel_{7};
  ConnectionTapFactory factory_{channel_, fakeDecoders()};
  Observer observer_;
};

TEST(BoundsTest, E12_AMillionHostileHostsAndPathsStayInTheStatedMemory) {
  constexpr std::uint64_t kConnections = 1'000'000;
  const auto before = allocations();
  resetPeak();
  Hostile hostile;
  hostile.run(kConnections);
  EXPECT_LE(allocations().peak - before.live, kMostObserverBytes);
  EXPECT_EQ(hostile.total.connections + hostile.total.requests + hostile.losses.records, 3 * kConnections);
  EXPECT_EQ(hostile.losses.records, 0u);
  EXPECT_GT(hostile.losses.otherEdges, 2 * kConnections);
  RecordProperty("peak_bytes", std::to_string(allocations().peak - before.live));
}

}  // namespace
}  // namespace loam::observe
