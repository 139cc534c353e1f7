#include "shadow/observe/connection_tap.h"

#include <gtest/gtest.h>

#include "tests/shadow/observe/bench.h"

namespace loam::observe {
namespace {

TEST(ConnectionTapTest, CountsBytesOfBothWaysReadOrSkipped) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.say(*tap, "http");
  tap->onSkipped(relay::Direction::Upstream, 1000, bench.clock.now());
  tap->onSkipped(relay::Direction::Downstream, 70000, bench.clock.now());
  bench.say(*tap, "xyz", relay::Direction::Downstream);
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.total().bytesSent, 1004u);
  EXPECT_EQ(bench.total().bytesReceived, 70003u);
  EXPECT_EQ(bench.total().connections, 1u);
}

TEST(ConnectionTapTest, ALongStreamShowsUpWhileItRuns) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:9000");
  bench.say(*tap, "tcp");
  bench.pass(seconds(5));
  EXPECT_EQ(bench.ofProtocol("tcp").connections, 1u);
  EXPECT_EQ(bench.ofProtocol("tcp").bytesSent, 3u);
  bench.say(*tap, "more");  // and then idles
  bench.pass(seconds(2));
  EXPECT_EQ(bench.ofProtocol("tcp").bytesSent, 7u);
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.total().bytesSent, 7u);
  EXPECT_EQ(bench.total().connections, 1u);
}

TEST(ConnectionTapTest, ADecoderThatGaveUpIsDroppedAndTheBytesStillCount) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.say(*tap, "http");
  EXPECT_EQ(tap->onBytes(relay::Direction::Upstream, bytesOf("lost"), bench.clock.now()), relay::Tap::kOpaque);
  EXPECT_EQ(tap->onBytes(relay::Direction::Downstream, bytesOf("ok"), bench.clock.now()), relay::Tap::kOpaque);
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.aggregator.losses().decoders, 1u);
  EXPECT_EQ(bench.total().bytesSent + bench.total().bytesReceived, 10u);
}

TEST(ConnectionTapTest, AnExchangeCutByTheServerIsAnErrorAndOneCutByTheClientIsNot) {
  for (const auto reason : {relay::CloseReason::UpstreamReset, relay::CloseReason::DownstreamReset}) {
    Bench bench;
    auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
    bench.say(*tap, "http");
    bench.say(*tap, "hold");
    bench.close(tap, reason);
    bench.seal();
    EXPECT_EQ(bench.total().requests, 1u);
    EXPECT_EQ(bench.total().errors, reason == relay::CloseReason::UpstreamReset ? 1u : 0u);
    EXPECT_EQ(bench.total().latency.count(), 0u);
    EXPECT_EQ(bench.total().resets, 1u);
  }
}

TEST(ConnectionTapTest, TheSideThatEndedFirstIsToBlameForACutExchange) {
  for (const auto first : {relay::Direction::Upstream, relay::Direction::Downstream}) {
    Bench bench;
    auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
    bench.say(*tap, "http");
    bench.say(*tap, "hold");
    tap->onEnd(first, bench.clock.now());
    tap->onEnd(relay::opposite(first), bench.clock.now());
    bench.close(tap);
    bench.seal();
    EXPECT_EQ(bench.total().errors, first == relay::Direction::Downstream ? 1u : 0u);
  }
}

TEST(ConnectionTapTest, ATapThatIsDroppedUnclosedStillCounts) {
  Bench bench;
  bench.open("10.0.0.1:40000", "10.0.0.2:80").reset();
  bench.seal();
  EXPECT_EQ(bench.total().connections, 1u);
  EXPECT_EQ(bench.aggregator.liveConnections(), 0u);
}

TEST(ConnectionTapTest, QueriesNeverLeaveTheWorker) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.say(*tap, "http");
  bench.say(*tap, "ok GET /login?password=hunter2");
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.routes(), (std::map<std::string, std::uint64_t>{{"GET /login", 1}}));
}

TEST(ConnectionTapTest, AFullChannelKeepsBytesAndCountsEveryLostExchange) {
  Bench bench(1, {}, fakeDecoders(), 16);
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.say(*tap, "http");
  constexpr std::uint64_t kExchanges = 40000;
  for (std::uint64_t i = 0; i < kExchanges; ++i) bench.say(*tap, "ok GET /a");
  EXPECT_GT(bench.channels[0]->lost(), 0u);
  for (int i = 0; i < 3000; ++i) {
    bench.factories[0]->flush(bench.clock.now());
    bench.aggregator.drain();
  }
  bench.close(tap);
  for (int i = 0; i < 3; ++i) {
    bench.factories[0]->flush(bench.clock.now());
    bench.seal();
  }
  const auto total = bench.total();
  EXPECT_EQ(total.requests + bench.aggregator.losses().records, kExchanges);
  EXPECT_EQ(total.bytesSent, 4 + kExchanges * 9);
  EXPECT_EQ(total.connections, 1u);
}

}  // namespace
}  // namespace loam::observe
