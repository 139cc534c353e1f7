#include "shadow/graph/security.h"

#include <algorithm>

#include "db/database.h"
#include "db/schemas.h"
#include "shadow/record/recorder.h"
#include "tests/db/sample.h"
#include "tests/support/fake_clock.h"

namespace loam::db {
namespace {

constexpr const char* kNodeA = "spiffe://loam/proxy/node-a";

wire::EdgeReport secured(const std::string& security, const std::string& identity, std::uint64_t connections,
                         std::int64_t bucket = kStart, const std::string& vantage = "outbound") {
  wire::EdgeReport edge = edgeOf("10.0.0.1", "10.0.0.2:80", bucket, countsOf(connections, 0), vantage);
  edge.security = security;
  edge.identity = identity;
  return edge;
}

std::vector<graph::Flow> flowsOf(record::GraphStore& store) {
  auto flows = *(*store.snapshot())->flows();
  std::sort(flows.begin(), flows.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return flows;
}

TEST(SecurityStoreTest, FlowsAreToldApartBySecurityAndIdentityAcrossARestart) {
  const TemporaryDirectory directory;
  for (std::uint64_t round = 1; round <= 2; ++round) {
    const auto store = openStore(directory / "graph.db");
    wire::EdgeReport denied = secured("", "", 1);
    denied.buckets[0].counts.failedConnections = denied.buckets[0].counts.denied = 1;
    ingestOne(*store,
              reportOf("web-1", round, kStart, {secured("mutual", kNodeA, 5), secured("not_chosen", "", 2), denied}));
    const auto flows = flowsOf(*store);
    ASSERT_EQ(flows.size(), 3u) << round;
    EXPECT_EQ(flows[0].security, "mutual");
    EXPECT_EQ(flows[0].identity, kNodeA);
    EXPECT_EQ(flows[1].security, "not_chosen");
    EXPECT_EQ(flows[1].identity, "");
    const record::Sums sums = sumsOf(*store, {kStart, kStart + 10});
    EXPECT_EQ(sums.flows.at(flows[0].id).counts.connections, 5 * round);
    EXPECT_EQ(sums.flows.at(flows[2].id).counts.denied, round);
  }
}

TEST(SecurityStoreTest, DenialsSurviveTheRollUp) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  for (std::int64_t t = 0; t < 100; t += 10) {
    wire::EdgeReport edge = secured("", "", 2, kStart + t);
    edge.buckets[0].counts.denied = t < 50 ? 1 : 0;
    ingestOne(*store, reportOf("web-1", 1 + static_cast<std::uint64_t>(t / 10), kStart + t, {edge}));
  }
  ASSERT_TRUE(store->rollUp(kStart + 7200));
  const wire::Counts total = totalOf(sumsOf(*store, {kStart - 3600, kStart + 3600}));
  EXPECT_EQ(total.denied, 5u);
  EXPECT_EQ(total.connections, 20u);
}

TEST(SecurityStoreTest, AFileOfBeforeIsUpgradedWithAllThatItHolds) {
  const TemporaryDirectory directory;
  const auto path = directory / "graph.db";
  Schema before = graphSchema();
  before.migrations = before.migrations.first(1);
  {
    const auto database = Database::openWriter(path, before);
    ASSERT_TRUE(database) << database.error().describe();
    ASSERT_TRUE((*database)->script(
        "filling",
        "INSERT INTO proxies VALUES (1, 'web-1', 'node', 1, 1, 1, 0, 1700000000, 1700000010);"
        "INSERT INTO epochs VALUES (1, 1, 0, 0, 0, 0);"
        "INSERT INTO sequences VALUES (1, 1, 1, 1);"
        "INSERT INTO coverage VALUES (1, 1700000000000, 1700000010000);"
        "INSERT INTO edges VALUES (4, '', '10.0.0.1', 128, '10.0.0.2', 80, 'http1');"
        "INSERT INTO flows VALUES (7, 4, 1, 'outbound', 'a.service', 'a', 33, 'TLSv1.3', 1, 1700000000, 1700000010);"
        "INSERT INTO routes VALUES (2, 'GET /a');"
        "INSERT INTO flow_routes VALUES (7, 2);"
        // Form 1: 9 connections, ..., 6 requests, 1 error; no latency. Its route 2: 6 requests, 1 error.
        "INSERT INTO tens VALUES (1700000000, 7, x'010900000601000000', x'0102060100');"));
  }
  const auto store = openStore(path);
  ASSERT_NE(store, nullptr);
  const auto check = [&](std::size_t count) {
    const auto flows = flowsOf(*store);
    ASSERT_EQ(flows.size(), count);
    EXPECT_EQ(flows[0].id, 7);
    EXPECT_EQ(flows[0].owner, (wire::Owner{"a.service", "a", 33}));
    EXPECT_EQ(flows[0].tls, "TLSv1.3");
    EXPECT_EQ(flows[0].security, "");
    const auto sums = sumsOf(*store, {kStart, kStart + 10});
    EXPECT_EQ(sums.flows.at(7).counts.connections, 9u);
    ASSERT_EQ(sums.flows.at(7).routes.size(), 1u);
    EXPECT_EQ(sums.flows.at(7).routes[0].route, "GET /a");
  };
  check(1);
  EXPECT_FALSE(ingestOne(*store, reportOf("web-1", 1, kStart, {secured("mutual", kNodeA, 1)}))) << "counted before";
  EXPECT_TRUE(ingestOne(*store, reportOf("web-1", 2, kStart, {secured("mutual", kNodeA, 1)})));
  check(2);
  ASSERT_TRUE(store->rollUp(kStart + 7200)) << "views of the tables that were made anew";
  EXPECT_EQ(totalOf(sumsOf(*store, {kStart - 3600, kStart + 3600})).connections, 10u);
}

TEST(SecurityStoreTest, IdentitiesOfOneEdgeAreBoundedVisiblyAndCounted) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  std::vector<wire::EdgeReport> edges;
  for (int i = 0; i < 300; ++i) edges.push_back(secured("mutual", "spiffe://loam/proxy/" + std::to_string(i), 1));
  for (int i = 1; i < 200; ++i)
    edges.push_back(secured("handshake_failed:" + std::to_string(i), "", 1));  // a peer's to choose
  ingestOne(*store, reportOf("web-1", 1, kStart, edges));
  const auto flows = flowsOf(*store);
  EXPECT_EQ(flows.size(), 130u) << "128, one for other identities and one for other alerts";
  EXPECT_EQ(flows[128].identity, wire::kOtherIdentity);
  EXPECT_EQ(flows[129].security, "handshake_failed");
  EXPECT_EQ(store->counters().foldedIdentities, 172u);
  EXPECT_EQ(totalOf(sumsOf(*store, {kStart, kStart + 10})).connections, 499u);
  // What is known by its name stays so.
  ingestOne(*store, reportOf("web-1", 2, kStart, {edges[0]}));
  EXPECT_EQ(sumsOf(*store, {kStart, kStart + 10}).flows.at(flows[0].id).counts.connections, 2u);
  EXPECT_EQ(openStore(directory / "copy.db")->counters().foldedIdentities, 0u);
}

TEST(SecurityStoreTest, TheCountOfFoldedIdentitiesOutlivesARestart) {
  const TemporaryDirectory directory;
  for (std::uint64_t round = 1; round <= 2; ++round) {
    const auto store = openStore(directory / "graph.db");
    std::vector<wire::EdgeReport> edges;
    for (int i = 0; i < 129; ++i) edges.push_back(secured("mutual", "spiffe://loam/proxy/" + std::to_string(i), 1));
    ingestOne(*store, reportOf("web-1", round, kStart, edges));
    EXPECT_EQ(store->counters().foldedIdentities, round);
  }
}

/// The window's counts are of the window; when plaintext was last seen is of the whole record.
TEST(SecurityStoreTest, PlaintextOutsideTheWindowIsRemembered) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  const test::FakeClock clock;
  const record::Recorder recorder(*store, clock);
  ingestOne(*store, reportOf("web-1", 1, kStart, {secured("not_chosen", "", 3)}));
  ingestOne(*store, reportOf("web-1", 2, kStart + 600, {secured("mutual", kNodeA, 5, kStart + 600)}));
  const auto edgeIn = [&](std::int64_t from, std::int64_t to) {
    record::GraphQuery query;
    query.window = {from, to};
    return recorder.graph(query)->edges.at(0);
  };
  const graph::Edge later = edgeIn(kStart + 600, kStart + 610);
  EXPECT_EQ(graph::stateOf(later.security), "mutual");
  EXPECT_EQ(later.security.lastPlaintext, kStart + 10);
  EXPECT_TRUE(later.security.reasons.empty());
  const graph::Edge both = edgeIn(kStart, kStart + 610);
  EXPECT_EQ(graph::securityText(both), "62.5% mutual, not_chosen");
  EXPECT_EQ(both.security.reasons[0].lastSeen, kStart + 10);
  EXPECT_EQ(both.security.identities.at(0).lastSeen, kStart + 610);
}

TEST(SecurityStoreTest, WhatFailedOrWasRefusedIsNoPlaintext) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  const test::FakeClock clock;
  const record::Recorder recorder(*store, clock);
  const auto failing = [](std::int64_t bucket, const std::string& vantage) {
    wire::EdgeReport edge = secured("", "", 2, bucket, vantage);
    wire::Counts& counts = edge.buckets[0].counts;
    counts.failedConnections = counts.denied = 2;
    counts.bytesSent = counts.bytesReceived = 0;
    return edge;
  };
  const auto lastUnasked = [&] {
    record::GraphQuery query;
    query.window = {kStart, kStart + 10'000};
    return recorder.graph(query)->edges.at(0).security.lastUnasked;
  };
  ingestOne(*store, reportOf("web-1", 1, kStart, {failing(kStart, "inbound")}));
  EXPECT_EQ(lastUnasked(), std::nullopt) << "a caller that was never let in";
  ingestOne(*store, reportOf("web-1", 2, kStart + 600, {secured("", "", 3, kStart + 600)}));
  EXPECT_EQ(lastUnasked(), kStart + 610);
  ingestOne(*store, reportOf("web-1", 3, kStart + 1200, {failing(kStart + 1200, "outbound")}));
  EXPECT_EQ(lastUnasked(), kStart + 610) << "a server that was away";
  ingestOne(*store, reportOf("web-1", 4, kStart + 1800, {secured("", "", 1, kStart + 1800)}));
  EXPECT_EQ(lastUnasked(), kStart + 1810);
}

}  // namespace
}  // namespace loam::db
