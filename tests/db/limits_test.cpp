#include "tests/db/sample.h"
#include "tests/support/heap.h"

namespace loam::db {
namespace {

TEST(LimitsTest, E12_AMillionHostileAddressesStayBounded) {
  const TemporaryDirectory directory;
  record::Limits limits;
  limits.edges = 1000;
  const auto store = openStore(directory / "graph.db", limits);
  const auto before = test::heapInUse();
  std::uint64_t sent = 0;
  for (std::uint64_t sequence = 1; sequence <= 100; ++sequence) {
    std::vector<wire::EdgeReport> edges;
    for (int i = 0; i < 10'000; ++i, ++sent) {
      const auto n = static_cast<std::uint32_t>(sent * 2654435761u);
      wire::EdgeReport edge = edgeOf("10.0.0.1", "10.9.0.1:443", kStart, countsOf(1, 1), "inbound");
      edge.client = IpAddress::v4({static_cast<std::uint8_t>(20 + (n >> 24) % 100), static_cast<std::uint8_t>(n >> 16),
                                   static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)});
      edge.destination.port = static_cast<std::uint16_t>(1 + n % 10);
      edges.push_back(std::move(edge));
    }
    ingestOne(*store, reportOf("web-1", sequence, kStart, std::move(edges)));
  }
  const record::StoreCounters counters = store->counters();
  EXPECT_EQ(counters.edges, limits.edges + 1);
  EXPECT_GT(counters.foldedEdges, 900'000u);
  EXPECT_LT(test::heapInUse() - before, 16u << 20);
  EXPECT_LT(counters.bytes + counters.walBytes, 16u << 20);
  EXPECT_EQ(totalOf(sumsOf(*store, {kStart, kStart + 10})).requests, sent);  // folded, not lost
}

TEST(LimitsTest, UnknownPeersOfOneServiceBecomeTheirNetworks) {
  const TemporaryDirectory directory;
  record::Limits limits;
  limits.peers = 20;
  const auto store = openStore(directory / "graph.db", limits);
  std::vector<wire::EdgeReport> edges;
  for (int i = 0; i < 200; ++i)
    edges.push_back(edgeOf("198.51.100." + std::to_string(i), "10.9.0.1:443", kStart, countsOf(1, 1), "inbound"));
  edges.push_back(edgeOf("2001:db8:1:2::3", "10.9.0.1:443", kStart, countsOf(1, 1), "inbound"));
  edges.push_back(
      edgeOf("10.0.0.7", "10.9.0.1:443", kStart, countsOf(1, 1), "outbound"));  // one of ours is no unknown peer
  ingestOne(*store, reportOf("web-1", 1, kStart, edges));
  const auto flows = *(*store->snapshot())->flows();
  EXPECT_EQ(flows.size(), 20u + 1 + 1 + 1);
  std::size_t networks = 0;
  for (const graph::Flow& flow : flows) networks += flow.prefix < 128 ? 1 : 0;
  EXPECT_EQ(networks, 2u);
  EXPECT_EQ(store->counters().foldedPeers, 181u);
  EXPECT_EQ(totalOf(sumsOf(*store, {kStart, kStart + 10})).requests, 202u);
}

TEST(LimitsTest, RoutesBeyondTheLimitAreCountedAsOther) {
  const TemporaryDirectory directory;
  record::Limits limits;
  limits.routes = 10;
  const auto store = openStore(directory / "graph.db", limits);
  wire::EdgeReport edge = edgeOf("10.0.0.1", "10.0.0.2:80", kStart, countsOf(1, 500));
  for (int i = 0; i < 500; ++i) {
    wire::RouteCounts route{"GET /" + std::to_string(i), {}};
    route.counts.requests = 1;
    edge.buckets[0].routes.push_back(route);
  }
  ingestOne(*store, reportOf("web-1", 1, kStart, {edge}));
  const record::Sums sums = sumsOf(*store, {kStart, kStart + 10});
  const auto& routes = sums.flows.begin()->second.routes;
  ASSERT_EQ(routes.size(), 11u);
  EXPECT_EQ(routes.back().route, "other");
  EXPECT_EQ(routes.back().counts.requests, 490u);
  EXPECT_EQ(store->counters().foldedRoutes, 490u);
}

TEST(LimitsTest, ClaimsOfOneAddressAreBounded) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  wire::Report report = reportOf("web-1", 1, kStart, {});
  for (int i = 0; i < 1000; ++i)
    report.names.push_back({*IpAddress::parse("10.0.0.2"), 80, "host", "h" + std::to_string(i) + ".example", 1});
  ingestOne(*store, report);
  EXPECT_EQ((*store->snapshot())->claims()->size(), 32u);
  EXPECT_EQ(store->counters().droppedClaims, 968u);
}

TEST(LimitsTest, BoundsHoldAcrossARestart) {
  const TemporaryDirectory directory;
  record::Limits limits;
  limits.edges = 10;
  for (std::uint64_t round = 0; round < 3; ++round) {
    const auto store = openStore(directory / "graph.db", limits);
    std::vector<wire::EdgeReport> edges;
    for (std::uint64_t i = 0; i < 20; ++i)
      edges.push_back(
          edgeOf("10.0." + std::to_string(round) + "." + std::to_string(i), "10.9.0.1:80", kStart, countsOf(1, 1)));
    ASSERT_TRUE(store->rollUp(kStart + 20));
    ingestOne(*store, reportOf("web-1", round + 1, kStart, edges));
    EXPECT_EQ(store->counters().edges, 11u);
    EXPECT_EQ(store->counters().foldedEdges, 10 + 20 * round);
  }
}

}  // namespace
}  // namespace loam::db
