#include "shadow/record/cell.h"

#include <gtest/gtest.h>

#include <random>

namespace loam::record {
namespace {

wire::Counts someCounts(std::mt19937_64& random) {
  wire::Counts counts;
  for (auto counter : {&wire::Counts::connections, &wire::Counts::failedConnections, &wire::Counts::tlsConnections,
                       &wire::Counts::requests, &wire::Counts::errors, &wire::Counts::resets, &wire::Counts::bytesSent,
                       &wire::Counts::bytesReceived}) {
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
    if (!noise.empty() && i % 2 == 0) noise[0] = 1;
    wire::Counts counts;
    addCounts(noise, counts);
    std::vector<RouteCell> routes;
    addRoutes(noise, routes);
    ASSERT_LE(routes.size(), 60u);
  }
  wire::Counts none;
  addCounts(Bytes{2, 1, 1, 1}, none);
  EXPECT_EQ(none, wire::Counts());
}

}  // namespace
}  // namespace loam::record
