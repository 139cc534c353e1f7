#include <random>

#include "shadow/record/window_plan.h"
#include "tests/db/sample.h"

namespace loam::db {
namespace {

using record::alignDown;

struct Sent {
  std::int64_t bucket;
  wire::Counts counts;
};

/// Random reports over three simulated days, some of them late, with roll-ups in between.
std::vector<Sent> fill(record::GraphStore& store, std::mt19937_64& random) {
  std::vector<Sent> all;
  std::uint64_t sequence = 0;
  for (std::int64_t now = kStart; now < kStart + 3 * 86'400; now += 10 + static_cast<std::int64_t>(random() % 1200)) {
    std::vector<wire::EdgeReport> edges;
    for (std::uint64_t i = 0; i <= random() % 3; ++i) {
      const auto late = random() % 10 == 0 ? static_cast<std::int64_t>(random() % 90'000) : std::int64_t{0};
      const std::int64_t bucket = alignDown(now - late, 10);
      wire::Counts counts = countsOf(random() % 5, 1 + random() % 100, random() % 1'000'000);
      counts.errors = random() % 3;
      edges.push_back(edgeOf("10.0.0." + std::to_string(1 + random() % 5), "10.0.1.1:80", bucket, counts));
      all.push_back({bucket, counts});
    }
    ingestOne(store, reportOf("web-1", ++sequence, now - 10, edges));
    if (random() % 4 == 0) {
      EXPECT_TRUE(store.rollUp(now));
    }
  }
  EXPECT_TRUE(store.rollUp(kStart + 3 * 86'400));
  return all;
}

wire::Counts expected(const std::vector<Sent>& all, graph::Window window) {
  wire::Counts total;
  for (const Sent& sent : all) {
    if (sent.bucket >= window.from && sent.bucket < window.to) total.merge(sent.counts);
  }
  return total;
}

TEST(RollUpTest, AnyWindowIsTheSumOfWhatWasSentInIt) {
  std::mt19937_64 random(42);
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  const std::vector<Sent> all = fill(*store, random);
  EXPECT_EQ(totalOf(sumsOf(*store, {0, kStart + 4 * 86'400})), expected(all, {0, kStart + 4 * 86'400}));
  const std::int64_t end = kStart + 3 * 86'400;
  bool minutes = false;
  bool fives = false;
  for (int i = 0; i < 300; ++i) {
    const std::int64_t from = end - static_cast<std::int64_t>(random() % (i % 3 == 0 ? 3 * 86'400 : 20'000));
    const graph::Window window{from, from + 1 + static_cast<std::int64_t>(random() % 100'000)};
    const record::Sums sums = sumsOf(*store, window);
    ASSERT_LE(sums.window.from, window.from);
    ASSERT_GE(sums.window.to, window.to);
    ASSERT_LE(window.from - sums.window.from, 300);
    minutes = minutes || sums.resolution == 60;
    fives = fives || sums.resolution == 300;
    ASSERT_EQ(totalOf(sums), expected(all, sums.window)) << window.from << " " << window.to;
  }
  EXPECT_TRUE(minutes && fives);
}

TEST(RollUpTest, KeepsTotalsWhileLevelsExpire) {
  std::mt19937_64 random(43);
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  const std::vector<Sent> all = fill(*store, random);
  const wire::Counts whole = expected(all, {0, kStart + 4 * 86'400});
  // Days pass without traffic: the finer levels go, the sums stay until two years are over.
  for (const std::int64_t days : {4, 8, 40, 95, 400, 700}) {
    ASSERT_TRUE(store->rollUp(kStart + days * 86'400));
    const record::Sums sums = sumsOf(*store, {kStart - 200'000, kStart + days * 86'400});
    EXPECT_EQ(totalOf(sums), whole) << days;
    EXPECT_EQ(sums.resolution, days < 8 ? 300 : days < 95 ? 3600 : 86'400) << days;
  }
  ASSERT_TRUE(store->rollUp(kStart + 800LL * 86'400));
  EXPECT_EQ(totalOf(sumsOf(*store, {0, kStart + 800LL * 86'400})), wire::Counts());
}

TEST(RollUpTest, KeepsRoutesOfEachFlow) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  wire::EdgeReport edge = edgeOf("10.0.0.1", "10.0.0.2:80", kStart, countsOf(1, 3));
  wire::RouteCounts route{"GET /", {}};
  route.counts.requests = 3;
  route.counts.latency.record(500, 3);
  edge.buckets[0].routes.push_back(route);
  for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) {
    ingestOne(*store, reportOf("web-1", sequence, kStart, {edge}));
    ASSERT_TRUE(store->rollUp(kStart + static_cast<std::int64_t>(sequence) * 800));
  }
  const record::Sums sums = sumsOf(*store, {kStart, kStart + 100});
  ASSERT_EQ(sums.flows.size(), 1u);
  ASSERT_EQ(sums.flows.begin()->second.routes.size(), 1u);
  EXPECT_EQ(sums.flows.begin()->second.routes[0].counts.requests, 12u);
  EXPECT_EQ(sums.flows.begin()->second.routes[0].counts.latency.count(), 12u);
}

TEST(RollUpTest, AClockThatGoesBackLosesNothing) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  ingestOne(*store, reportOf("web-1", 1, kStart, {edgeOf("10.0.0.1", "10.0.0.2:80", kStart, countsOf(1, 3))}));
  ASSERT_TRUE(store->rollUp(kStart + 5000));
  ASSERT_TRUE(store->rollUp(kStart - 5000));
  ingestOne(*store, reportOf("web-1", 2, kStart, {edgeOf("10.0.0.1", "10.0.0.2:80", kStart, countsOf(1, 3))}));
  ASSERT_TRUE(store->rollUp(kStart - 4000));
  EXPECT_EQ(totalOf(sumsOf(*store, {kStart, kStart + 10})).requests, 6u);
}

}  // namespace
}  // namespace loam::db
