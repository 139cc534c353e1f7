#include "shadow/record/cell.h"

#include <gtest/gtest.h>

#include <random>

namespace loam::record {
namespace {

wire::Counts someCounts(std::mt19937_64& random) {
  wire::Counts counts;
  for (auto counter : {&wire::Counts::connections, &wire::Counts::failedConnections, &wire::Counts::tlsConnections,
                       &wire::Counts::requests, &wire::Counts::errors, &wire::Counts::resets, &wire::Counts::denied,
                       &wire::Counts::bytesSent, &wire::Counts::bytesReceived}) {
    counts.*counter = random() >> (random() % 64);
  }
  for (int i = 0; i < 20; ++i) counts.latency.record(random() >> (random() % 64), random() % 1000);
  return counts;
}

TEST(CellTest, GivesBackTheCounts) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    const wire::Counts counts = someCounts(random);
    wire::Counts read;
    addCounts(encodeCounts(counts), read);
    ASSERT_EQ(read, counts);
  }
}

TEST(CellTest, CellsOfBeforeDenialsAreReadAndWrittenAsTheyWere) {
  // Form 1: eight counters, then the histogram as steps and times.
  const Bytes old{1, 9, 8, 7, 6, 5, 4, 3, 2, 12, 3};
  wire::Counts counts;
  addCounts(old, counts);
  EXPECT_EQ(counts.connections, 9u);
  EXPECT_EQ(counts.bytesReceived, 2u);
  EXPECT_EQ(counts.denied, 0u);
  EXPECT_EQ(counts.latency.count(), 3u);
  EXPECT_EQ(encodeCounts(counts), old);
  counts.denied = 1;
  const Bytes denied = encodeCounts(counts);
  EXPECT_EQ(denied, (Bytes{2, 9, 8, 7, 6, 5, 4, 3, 2, 1, 12, 3}));
  wire::Counts sum;
  addCounts(old, sum);
  addCounts(denied, sum);
  EXPECT_EQ(sum.denied, 1u);
  EXPECT_EQ(sum.connections, 18u);
  EXPECT_EQ(sum.latency.count(), 6u);
}

TEST(CellTest, AddsRoutesById) {
  std::vector<RouteCell> routes{{3, {}}, {900, {}}};
  routes[0].counts.requests = 5;
  routes[0].counts.latency.record(100, 5);
  routes[1].counts.requests = 7;
  routes[1].counts.errors = 1;
  std::vector<RouteCell> sum;
  addRoutes(encodeRoutes(routes), sum);
  EXPECT_EQ(sum, routes);
  addRoutes(encodeRoutes({routes[1]}), sum);
  EXPECT_EQ(sum[1].counts.requests, 14u);
  EXPECT_EQ(sum[1].counts.errors, 2u);
}

TEST(CellTest, F4_BytesThatAreCutOrForeignEndTheReading) {
  std::mt19937_64 random(11);
  const Bytes whole = encodeCounts(someCounts(random));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    wire::Counts read;
    addCounts(ByteView(whole).first(size), read);
  }
  for (int i = 0; i < 10'000; ++i) {
    Bytes noise(random() % 60);
    for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
    if (!noise.empty() && i % 2 == 0) noise[0] = static_cast<std::uint8_t>(1 + i / 2 % 2);
    wire::Counts counts;
    addCounts(noise, counts);
    std::vector<RouteCell> routes;
    addRoutes(noise, routes);
    ASSERT_LE(routes.size(), 60u);
  }
  wire::Counts none;
  addCounts(Bytes{3, 1, 1, 1}, none);
  EXPECT_EQ(none, wire::Counts());
}

}  // namespace
}  // namespace loam::record
