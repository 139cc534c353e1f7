#include <gtest/gtest.h>

#include <algorithm>

#include "tests/db/sample.h"

namespace loam::db {
namespace {

wire::Verdict verdictOf(const std::string& client, std::int64_t start, std::uint64_t count, bool enforced = false,
                        const std::string& rule = "default") {
  return {.client = *IpAddress::parse(client),
          .destination = *SocketAddress::parse("10.0.0.2:80"),
          .identity = "spiffe://loam/proxy/a",
          .feature = "policy",
          .rule = rule,
          .enforced = enforced,
          .start = start,
          .count = count};
}

wire::Report report(std::uint64_t sequence, std::int64_t from, std::vector<wire::Verdict> verdicts) {
  wire::Report out = reportOf("web-1", sequence, from, {});
  out.verdicts = std::move(verdicts);
  return out;
}

std::vector<record::VerdictSum> verdictsOf(record::GraphStore& store, graph::Window window) {
  auto snapshot = store.snapshot();
  EXPECT_TRUE(snapshot);
  auto sums = (*snapshot)->verdicts(window);
  EXPECT_TRUE(sums) << sums.error().describe();
  std::sort(sums->begin(), sums->end());
  return *sums;
}

std::uint64_t total(record::GraphStore& store, graph::Window window) {
  std::uint64_t sum = 0;
  for (const record::VerdictSum& one : verdictsOf(store, window)) sum += one.count;
  return sum;
}

TEST(VerdictRecordTest, GivesBackWhatWasCountedAndAReplayOnce) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  const auto first = report(1, kStart, {verdictOf("10.0.0.1", kStart, 3), verdictOf("10.0.0.1", kStart, 2, true)});
  EXPECT_TRUE(ingestOne(*store, first));
  EXPECT_FALSE(ingestOne(*store, first));
  EXPECT_TRUE(ingestOne(*store, report(2, kStart + 10, {verdictOf("10.0.0.1", kStart + 10, 4)})));
  const auto sums = verdictsOf(*store, {kStart, kStart + 20});
  ASSERT_EQ(sums.size(), 2u);
  const record::VerdictSum& one = sums[0].enforced ? sums[1] : sums[0];
  EXPECT_EQ(one.client.text() + " " + one.destination.text() + " " + one.feature + "/" + one.rule + " " + one.identity,
            "10.0.0.1 10.0.0.2:80 policy/default spiffe://loam/proxy/a");
  EXPECT_EQ(one.count, 7u);
  EXPECT_EQ(one.from, kStart);
  EXPECT_EQ(one.to, kStart + 20);
  EXPECT_EQ(total(*store, {kStart + 10, kStart + 20}), 4u);
  EXPECT_EQ(total(*store, {kStart + 20, kStart + 30}), 0u);
}

TEST(VerdictRecordTest, KnowsOfTheLastOneWhoDecidedUnderWhichSnapshot) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  auto late = report(1, kStart + 20, {verdictOf("10.0.0.1", kStart + 20, 1)});
  late.verdicts[0].generation = 9;
  ASSERT_TRUE(ingestOne(*store, late));
  auto early = report(1, kStart, {verdictOf("10.0.0.1", kStart, 1)});
  early.proxy = "web-2";
  early.verdicts[0].generation = 12;
  ASSERT_TRUE(ingestOne(*store, early));
  const auto sums = verdictsOf(*store, {kStart, kStart + 30});
  ASSERT_EQ(sums.size(), 1u);
  EXPECT_EQ(sums[0].proxy + " " + std::to_string(sums[0].generation), "web-1 9");
  EXPECT_EQ(sums[0].last, kStart + 20);
}

TEST(VerdictRecordTest, IsKeptAsLongAsTheBucketsAndNeverCountedTwice) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  const record::Limits limits;
  ASSERT_TRUE(ingestOne(*store, report(1, kStart, {verdictOf("10.0.0.1", kStart, 3)})));
  const graph::Window always{0, kStart + 1000 * 86'400LL};
  for (const std::int64_t age : {limits.keepTens, limits.keepMinutes, limits.keepFives, limits.keepHours}) {
    ASSERT_TRUE(store->rollUp(kStart + age + 86'400));
    EXPECT_EQ(total(*store, always), 3u) << age;
  }
  ASSERT_TRUE(ingestOne(*store, report(2, kStart + 10, {verdictOf("10.0.0.1", kStart + 10, 2)}))) << "late";
  ASSERT_TRUE(store->rollUp(kStart + limits.keepHours + 86'400));
  EXPECT_EQ(total(*store, always), 5u);
  ASSERT_TRUE(store->rollUp(kStart + limits.keepDays + 2 * 86'400));
  EXPECT_TRUE(verdictsOf(*store, always).empty());
}

TEST(VerdictRecordTest, WhatIsTooMuchIsCountedInAVisibleRemainder) {
  const TemporaryDirectory directory;
  record::Limits limits;
  limits.verdicts = 2;
  {
    const auto store = openStore(directory / "graph.db", limits);
    std::vector<wire::Verdict> many;
    for (int i = 1; i <= 5; ++i) many.push_back(verdictOf("10.0.0." + std::to_string(i), kStart, 1));
    ASSERT_TRUE(ingestOne(*store, report(1, kStart, many)));
    EXPECT_EQ(total(*store, {kStart, kStart + 10}), 5u);
    EXPECT_EQ(verdictsOf(*store, {kStart, kStart + 10}).size(), 3u);
    EXPECT_EQ(store->counters().foldedVerdicts, 3u);
  }
  EXPECT_EQ(openStore(directory / "graph.db", limits)->counters().foldedVerdicts, 3u);
}

}  // namespace
}  // namespace loam::db
