#include "shadow/observe/aggregator.h"

#include <gtest/gtest.h>

#include "tests/shadow/observe/bench.h"

namespace loam::observe {
namespace {

TEST(AggregatorTest, WhatCameBeforeTheProtocolIsCountedUnderIt) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:5432");
  bench.say(*tap, "123");  // a head that is split
  bench.pass(seconds(1));
  bench.say(*tap, "postgres");
  bench.say(*tap, "ok");
  bench.pass(seconds(3));
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.sealed.front().protocol, "postgres");
  EXPECT_EQ(bench.ofProtocol("postgres").connections, 1u);
  EXPECT_EQ(bench.ofProtocol("postgres").bytesSent, 13u);
  EXPECT_EQ(bench.total().bytesSent, 13u);
}

TEST(AggregatorTest, AProtocolThatChangesWithinTheHandshakeCountsAsTheLast) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:5432");
  bench.say(*tap, "postgres");
  bench.say(*tap, "tls");
  bench.pass(seconds(3));
  ASSERT_EQ(bench.sealed.size(), 1u);
  EXPECT_EQ(bench.sealed[0].protocol, "tls");
  EXPECT_EQ(bench.sealed[0].tlsVersion, "TLSv1.3");
  EXPECT_EQ(bench.total().tlsConnections, 1u);
  EXPECT_EQ(bench.total().connections, 1u);
}

TEST(AggregatorTest, TlsLearnedLateIsStillCountedOnce) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:25");
  bench.say(*tap, "tcp");
  bench.pass(seconds(4));
  bench.say(*tap, "tls");
  bench.say(*tap, "tls");
  bench.pass(seconds(1));
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.total().connections, 1u);
  EXPECT_EQ(bench.total().tlsConnections, 1u);
  EXPECT_EQ(bench.ofProtocol("tls").bytesSent, 6u);
}

TEST(AggregatorTest, AnExchangeBelongsToWhatWasSpokenThen) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.say(*tap, "http");
  bench.say(*tap, "ok GET /socket");
  bench.say(*tap, "websocket");
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.ofProtocol("http1").requests, 1u);
  EXPECT_EQ(bench.ofProtocol("http1").connections, 0u);
  EXPECT_EQ(bench.ofProtocol("websocket").connections, 1u);
}

TEST(AggregatorTest, ASilentConnectionTakesThePinOfItsDestinationOrTcp) {
  Bench bench;
  auto silent = bench.open("10.0.0.1:40000", "10.0.0.2:6379");
  bench.close(silent);
  bench.seal();
  EXPECT_EQ(bench.ofProtocol("tcp").connections, 1u);
  auto speaking = bench.open("10.0.0.1:40001", "10.0.0.2:6379");
  bench.say(*speaking, "postgres");
  bench.close(speaking);
  silent = bench.open("10.0.0.1:40002", "10.0.0.2:6379");
  bench.close(silent);
  auto unclear = bench.open("10.0.0.1:40003", "10.0.0.2:6379");
  bench.say(*unclear, "?");
  bench.close(unclear);
  bench.seal();
  EXPECT_EQ(bench.ofProtocol("postgres").connections, 2u);
  EXPECT_EQ(bench.ofProtocol("tcp").connections, 2u);
}

TEST(AggregatorTest, ASilentLiveConnectionShowsUpWithinFifteenSeconds) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:6379");
  bench.pass(seconds(12));
  EXPECT_EQ(bench.total().connections, 1u);
  bench.say(*tap, "postgres");
  bench.say(*tap, "ok");
  bench.pass(seconds(2));
  EXPECT_EQ(bench.total().connections, 1u);
  EXPECT_EQ(bench.ofProtocol("postgres").requests, 0u);
  EXPECT_EQ(bench.ofProtocol("postgres").bytesSent, 10u);
  bench.close(tap);
}

TEST(AggregatorTest, EachCountStandsInItsBucket) {
  Bench bench;
  const std::int64_t start = unixSeconds(bench.clock.wall());
  ASSERT_EQ(start % wire::kBucketSeconds, 0);
  bench.clock.advance(seconds(9));
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.say(*tap, "http");
  bench.clock.advance(seconds(1) + milliseconds(1));
  bench.say(*tap, "ok GET /a");  // ended in the second bucket, begun 2 ms before in the first
  bench.clock.advance(seconds(10));
  bench.close(tap);
  bench.seal();
  ASSERT_EQ(bench.sealed.size(), 1u);
  std::map<std::int64_t, wire::Counts> buckets;
  for (const wire::Bucket& bucket : bench.sealed[0].buckets) buckets[bucket.start].merge(bucket.counts);
  EXPECT_EQ(buckets[start].connections, 1u);
  EXPECT_EQ(buckets[start + 10].requests, 1u);
  EXPECT_EQ(buckets[start + 10].bytesSent, 13u) << "told at the first call after a second";
  EXPECT_EQ(buckets.size(), 2u);
}

TEST(AggregatorTest, RefusedConnectionsAndResetsAreCounted) {
  Bench bench;
  auto refused = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.close(refused, relay::CloseReason::UpstreamRefused);
  auto reset = bench.open("10.0.0.1:40001", "10.0.0.2:80");
  bench.say(*reset, "http");
  bench.close(reset, relay::CloseReason::UpstreamReset);
  bench.seal();
  EXPECT_EQ(bench.total().connections, 2u);
  EXPECT_EQ(bench.total().failedConnections, 1u);
  EXPECT_EQ(bench.total().resets, 1u);
}

TEST(AggregatorTest, ErrorsAndLatencyAreCountedByRoute) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.say(*tap, "http");
  for (int i = 0; i < 3; ++i) bench.say(*tap, "ok GET /users/" + std::to_string(i));
  bench.say(*tap, "bad GET /users/9");
  bench.say(*tap, "ok POST /users");
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.routes(), (std::map<std::string, std::uint64_t>{{"GET /users/{id}", 4}, {"POST /users", 1}}));
  const auto total = bench.total();
  EXPECT_EQ(total.requests, 5u);
  EXPECT_EQ(total.errors, 1u);
  EXPECT_EQ(total.latency.count(), 5u);
  EXPECT_NEAR(total.latency.quantile(0.5), 2000, 250);
}

TEST(AggregatorTest, GrpcPathsAreTakenAsTheyAreAndNameTheirService) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:50051");
  bench.say(*tap, "grpc");
  bench.say(*tap, "ok POST /shop.v1.Cart/Get42");
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.routes().begin()->first, "/shop.v1.Cart/Get42");
  const auto names = bench.names.take();
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0].source, "grpc");
  EXPECT_EQ(names[0].name, "shop.v1.Cart");
}

TEST(AggregatorTest, ServerNamesBecomeEvidence) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:443");
  bench.say(*tap, "tls");
  auto plain = bench.open("10.0.0.1:40001", "10.0.0.2:80");
  bench.say(*plain, "http");
  for (int i = 0; i < 5; ++i) bench.say(*plain, "host Cart.Example:80");
  bench.seal();
  std::map<std::string, wire::NameEvidence> names;
  for (const auto& name : bench.names.take()) names[name.source] = name;
  EXPECT_EQ(names["sni"].name, "shop.example");
  EXPECT_EQ(names["host"].name, "cart.example");
  EXPECT_EQ(names["host"].seen, 1u) << "once a connection while it stays the same";
  EXPECT_EQ(names["host"].port, 80);
}

TEST(AggregatorTest, EdgesBeyondTheLimitGoToAVisibleOther) {
  AggregatorLimits limits;
  limits.edges = 10;
  Bench bench(1, limits);
  for (int i = 0; i < 30; ++i) {
    auto tap = bench.open("10.0.0.1:40000", "10.0.1." + std::to_string(i) + ":80");
    bench.say(*tap, "http");
    bench.say(*tap, "ok GET /a");
    bench.close(tap);
  }
  bench.seal();
  const auto other = bench.total([](const wire::EdgeReport& edge) { return edge.destination == SocketAddress{}; });
  EXPECT_EQ(other.connections, 20u);
  EXPECT_EQ(other.requests, 20u);
  EXPECT_EQ(bench.aggregator.losses().otherEdges, 40u);
  EXPECT_EQ(bench.total().connections, 30u);
}

TEST(AggregatorTest, IdleEdgesAreForgottenAndMakeRoom) {
  AggregatorLimits limits;
  limits.edges = 1;
  Bench bench(1, limits);
  auto first = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.close(first);
  bench.pass(seconds(1));
  EXPECT_EQ(bench.aggregator.edges(), 1u);
  bench.pass(seconds(EdgeTable::kIdleSeconds + 60));
  EXPECT_EQ(bench.aggregator.edges(), 0u);
  auto second = bench.open("10.0.0.1:40000", "10.0.0.3:80");
  bench.close(second);
  bench.seal();
  EXPECT_EQ(bench.sealed.back().destination.text(), "10.0.0.3:80");
  EXPECT_EQ(bench.aggregator.losses().otherEdges, 0u);
}

TEST(AggregatorTest, D8_IdleEdgesAreForgottenWhateverTheWallClockIsSetTo) {
  for (const int days : {1, -1}) {
    Bench bench;
    auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
    bench.close(tap);
    bench.pass(seconds(1));
    EXPECT_EQ(bench.aggregator.edges(), 1u);
    bench.clock.setWall(bench.clock.wall() + std::chrono::days(days));
    bench.pass(seconds(EdgeTable::kIdleSeconds + 60));
    EXPECT_EQ(bench.aggregator.edges(), 0u) << days;
  }
}

TEST(AggregatorTest, ALiveConnectionHoldsItsEdge) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.say(*tap, "http");
  bench.pass(seconds(EdgeTable::kIdleSeconds + 60));
  EXPECT_EQ(bench.aggregator.edges(), 1u);
  bench.say(*tap, "ok GET /a");
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.total().requests, 1u);
}

TEST(AggregatorTest, TheOwnerIsJoinedEvenWhenTheSocketTableComesLater) {
  Bench bench;
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  bench.say(*tap, "http");
  bench.say(*tap, "ok GET /a");
  bench.pass(seconds(1));
  guard::SocketFact socket;
  socket.local = *SocketAddress::parse("10.0.0.1:40000");
  socket.remote = *SocketAddress::parse("10.0.0.2:80");
  socket.exe = "python3";
  socket.unit = "checkout.service";
  bench.owners.update({socket});
  bench.pass(seconds(3));
  auto shortLived = bench.open("10.0.0.1:40001", "10.0.0.2:80");
  bench.say(*shortLived, "http");
  bench.close(shortLived);
  bench.close(tap);
  bench.seal();
  for (const wire::EdgeReport& edge : bench.sealed) {
    ASSERT_TRUE(edge.owner);
    EXPECT_EQ(edge.owner->unit, "checkout.service");
  }
  EXPECT_EQ(bench.total().connections, 2u);
}

TEST(AggregatorTest, ConnectionsBeyondTheTableAreCountedAsLost) {
  AggregatorLimits limits;
  limits.connections = 2;
  Bench bench(1, limits);
  std::vector<std::unique_ptr<relay::Tap>> taps;
  for (int i = 0; i < 3; ++i) taps.push_back(bench.open("10.0.0.1:" + std::to_string(40000 + i), "10.0.0.2:80"));
  for (auto& tap : taps) bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.total().connections, 2u);
  EXPECT_EQ(bench.aggregator.losses().records, 2u) << "its opening and its end";
}

TEST(AggregatorTest, LiveConnectionsAreCountedByGeneration) {
  Bench bench;
  relay::ConnectionFacts facts = factsOf("10.0.0.1:1", "10.0.0.2:80");
  std::vector<std::unique_ptr<relay::Tap>> taps;
  for (const std::uint64_t generation : {3u, 3u, 4u}) {
    facts.generation = generation;
    taps.push_back(bench.factories[0]->open(facts, bench.clock.now()));
  }
  bench.seal();
  EXPECT_EQ(bench.aggregator.connectionsByGeneration(), (std::map<std::uint64_t, std::uint64_t>{{3, 2}, {4, 1}}));
}

}  // namespace
}  // namespace loam::observe
