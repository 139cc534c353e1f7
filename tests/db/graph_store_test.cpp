#include "db/sqlite_graph_store.h"
#include "tests/db/sample.h"

namespace loam::db {
namespace {

TEST(GraphStoreTest, GivesBackWhatWasCounted) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  wire::EdgeReport edge = edgeOf("10.0.0.1", "10.0.0.2:80", kStart, countsOf(2, 5, 1234));
  edge.owner = wire::Owner{"checkout.service", "python3", 33};
  edge.tlsVersion = "TLSv1.3";
  edge.buckets[0].routes.push_back({"GET /users/{id}", countsOf(0, 5, 1234)});
  edge.buckets[0].routes[0].counts.bytesSent = edge.buckets[0].routes[0].counts.bytesReceived = 0;
  EXPECT_TRUE(ingestOne(*store, reportOf("web-1", 1, kStart, {edge})));

  const record::Sums sums = sumsOf(*store, {kStart, kStart + 10});
  ASSERT_EQ(sums.flows.size(), 1u);
  const auto& [id, cell] = *sums.flows.begin();
  EXPECT_EQ(cell.counts, edge.buckets[0].counts);
  EXPECT_EQ(cell.routes, edge.buckets[0].routes);
  EXPECT_EQ(sums.resolution, 10);

  const auto snapshot = *store->snapshot();
  const auto flows = *snapshot->flows();
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].id, id);
  EXPECT_EQ(flows[0].client, edge.client);
  EXPECT_EQ(flows[0].destination, edge.destination);
  EXPECT_EQ(flows[0].owner, edge.owner);
  EXPECT_EQ(flows[0].tls, "TLSv1.3");
  EXPECT_EQ(flows[0].proxy, "web-1");
  EXPECT_EQ(flows[0].firstSeen, kStart);
  EXPECT_EQ(flows[0].lastSeen, kStart + 10);
  EXPECT_EQ(*snapshot->revision(), 1u);
}

TEST(GraphStoreTest, AddsPartialBuckets) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
    ingestOne(*store, reportOf("web-1", sequence, kStart + 2 * (static_cast<std::int64_t>(sequence) - 1),
                               {edgeOf("10.0.0.1", "10.0.0.2:80", kStart, countsOf(1, 3))}, 2));
  }
  EXPECT_EQ(totalOf(sumsOf(*store, {kStart, kStart + 10})), countsOf(5, 15));
  const auto proxies = *(*store->snapshot())->proxies({kStart - 100, kStart + 100});
  ASSERT_EQ(proxies.size(), 1u);
  EXPECT_EQ(proxies[0].covered, (std::vector<graph::Span>{{kStart * 1000, (kStart + 10) * 1000}}));
  EXPECT_EQ(proxies[0].reports, 5u);
}

TEST(GraphStoreTest, E13_AReplayedReportIsCountedOnce) {
  const TemporaryDirectory directory;
  const auto report = [](std::uint64_t epoch, std::uint64_t sequence) {
    return reportOf("web-1", sequence, kStart, {edgeOf("10.0.0.1", "10.0.0.2:80", kStart, countsOf(1, 1))}, 10, epoch);
  };
  {
    const auto store = openStore(directory / "graph.db");
    for (const std::uint64_t sequence : {1u, 2u, 5u, 4u, 9u}) EXPECT_TRUE(ingestOne(*store, report(1, sequence)));
    for (const std::uint64_t sequence : {1u, 2u, 5u, 4u, 9u}) EXPECT_FALSE(ingestOne(*store, report(1, sequence)));
  }
  const auto store = openStore(directory / "graph.db");
  for (const std::uint64_t sequence : {9u, 4u, 1u}) EXPECT_FALSE(ingestOne(*store, report(1, sequence)));
  for (const std::uint64_t sequence : {3u, 8u, 6u, 7u}) EXPECT_TRUE(ingestOne(*store, report(1, sequence)));
  for (const std::uint64_t sequence : {3u, 8u, 6u, 7u}) EXPECT_FALSE(ingestOne(*store, report(1, sequence)));
  EXPECT_TRUE(ingestOne(*store, report(2, 1)));
  EXPECT_TRUE(ingestOne(*store, report(1, 10)));  // of the earlier epoch, out of a spool
  EXPECT_FALSE(ingestOne(*store, report(2, 1)));
  EXPECT_EQ(totalOf(sumsOf(*store, {kStart, kStart + 10})).requests, 11u);
}

TEST(GraphStoreTest, TwoOfOneBatchThatAreTheSameCountOnce) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  const auto report = reportOf("web-1", 1, kStart, {edgeOf("10.0.0.1", "10.0.0.2:80", kStart, countsOf(1, 1))});
  const wire::Report twice[] = {report, report};
  EXPECT_EQ(*store->ingest(twice), (std::vector<bool>{true, false}));
  EXPECT_EQ(totalOf(sumsOf(*store, {kStart, kStart + 10})).requests, 1u);
}

}  // namespace
}  // namespace loam::db
