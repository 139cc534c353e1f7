#include "shadow/graph/merge.h"

#include <gtest/gtest.h>

#include <random>

namespace loam::graph {
namespace {

constexpr Window kWindow{1000, 2000};

FlowSum row(std::int64_t id, const std::string& vantage, const std::string& proxy, std::uint64_t requests,
            std::optional<wire::Owner> owner = {}) {
  FlowSum sum;
  sum.flow.id = id;
  sum.flow.client = *IpAddress::parse("10.0.0.1");
  sum.flow.destination = *SocketAddress::parse("10.0.0.2:80");
  sum.flow.protocol = "http1";
  sum.flow.vantage = vantage;
  sum.flow.proxy = proxy;
  sum.flow.owner = std::move(owner);
  sum.flow.captured = vantage != "inventory";
  sum.flow.firstSeen = 1000 + id;
  sum.flow.lastSeen = 1500 + id;
  sum.tally.counts.requests = requests;
  sum.tally.counts.latency.record(100, requests);
  return sum;
}

ProxyState covers(const std::string& name, std::vector<Span> seconds) {
  ProxyState state;
  state.name = name;
  for (const Span& span : seconds) state.covered.push_back({span.from * 1000, span.to * 1000});
  return state;
}

const std::vector<ProxyState> kBoth{covers("a", {{1000, 2000}}), covers("b", {{1000, 2000}})};

std::uint64_t requestsOf(const std::vector<MergedFlow>& flows) {
  std::uint64_t sum = 0;
  for (const MergedFlow& flow : flows) sum += flow.tally.counts.requests;
  return sum;
}

TEST(MergeTest, TheGreaterTotalCounts) {
  EXPECT_EQ(requestsOf(Merger({row(1, "outbound", "a", 90), row(2, "inbound", "b", 100)}, kBoth, kWindow).finish()),
            100u);
  EXPECT_EQ(requestsOf(Merger({row(1, "outbound", "a", 100), row(2, "inbound", "b", 90)}, kBoth, kWindow).finish()),
            100u);
}

TEST(MergeTest, SeveralProxiesOfOneSideAreAddedUp) {
  const auto flows =
      Merger({row(1, "outbound", "a", 40), row(2, "outbound", "c", 50), row(3, "inbound", "b", 88)}, kBoth, kWindow)
          .finish();
  EXPECT_EQ(requestsOf(flows), 90u);
}

TEST(MergeTest, ManyEdgesStayApart) {
  FlowSum other = row(2, "inbound", "b", 7);
  other.flow.destination.port = 81;
  FlowSum third = row(3, "inbound", "b", 9);
  third.flow.protocol = "redis";
  EXPECT_EQ(requestsOf(Merger({row(1, "outbound", "a", 5), other, third}, kBoth, kWindow).finish()), 21u);
}

TEST(MergeTest, AsksOnlyForStretchesThatTheChosenOneMissed) {
  // Coverage ends within buckets: a bucket that the chosen proxy touched at all is its own.
  const std::vector<ProxyState> proxies{covers("a", {{1000, 1203}, {1347, 2000}}), covers("b", {{1000, 1300}})};
  Merger merger({row(1, "outbound", "a", 90), row(2, "inbound", "b", 50)}, proxies, kWindow);
  ASSERT_EQ(merger.stretches().size(), 1u);
  EXPECT_EQ(merger.stretches()[0].from, 1210);
  EXPECT_EQ(merger.stretches()[0].to, 1300);
  Tally nine;
  nine.counts.requests = 9;
  merger.fill(0, {{2, nine}, {77, nine}});
  EXPECT_EQ(requestsOf(std::move(merger).finish()), 99u);
}

TEST(MergeTest, NoGapNoQuestion) {
  EXPECT_TRUE(Merger({row(1, "outbound", "a", 90), row(2, "inbound", "b", 50)}, kBoth, kWindow).stretches().empty());
  const std::vector<ProxyState> shorter{covers("a", {{1000, 1500}}), covers("b", {{1100, 1400}})};
  EXPECT_TRUE(Merger({row(1, "outbound", "a", 90), row(2, "inbound", "b", 50)}, shorter, kWindow).stretches().empty());
}

TEST(MergeTest, WhatTheServersSideCountedGoesToTheOwnersOfTheClientsSide) {
  const wire::Owner shop{"shop.service", "shop", 1};
  const wire::Owner cron{"cron.service", "job", 2};
  const auto flows =
      Merger({row(1, "outbound", "a", 60, shop), row(2, "outbound", "a", 30, cron), row(3, "inbound", "b", 100)}, kBoth,
             kWindow)
          .finish();
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(requestsOf(flows), 100u);
  EXPECT_EQ(flows[0].flow.owner, cron);
  EXPECT_EQ(flows[0].tally.counts.requests, 33u);
  EXPECT_EQ(flows[1].tally.counts.requests, 67u);
  EXPECT_EQ(flows[1].flow.firstSeen, 1001);
  EXPECT_EQ(flows[1].flow.lastSeen, 1503);
  EXPECT_EQ(flows[1].vantages, (std::vector<std::string>{"inbound", "outbound"}));
}

TEST(MergeTest, InventoryYieldsToAnyCaptureAndIsNotAddedUp) {
  FlowSum asTcp = row(2, "inventory", "a", 5);
  asTcp.flow.protocol = "tcp";
  EXPECT_EQ(requestsOf(Merger({row(1, "inbound", "b", 3), asTcp}, kBoth, kWindow).finish()), 3u);
  const auto flows = Merger({row(1, "inventory", "a", 5), row(2, "inventory", "b", 6)}, kBoth, kWindow).finish();
  EXPECT_EQ(requestsOf(flows), 6u);
  EXPECT_FALSE(flows[0].flow.captured);
}

TEST(MergeTest, KnowsWhichProxiesStandAtTheCalleesSide) {
  const auto standing = [](std::vector<FlowSum> rows) {
    return Merger(std::move(rows), kBoth, kWindow).finish().front().calleeProxies;
  };
  using Proxies = std::vector<std::string>;
  EXPECT_EQ(standing({row(1, "outbound", "a", 5), row(2, "inbound", "b", 3)}), Proxies{"b"});
  EXPECT_EQ(standing({row(1, "outbound", "a", 5)}), Proxies{});
  EXPECT_EQ(standing({row(1, "explicit", "a", 5)}), Proxies{});
  FlowSum onOneHost = row(1, "outbound", "a", 5);
  onOneHost.flow.destination.ip = onOneHost.flow.client;
  EXPECT_EQ(standing({onOneHost}), Proxies{"a"}) << "it never left the host of both";
  FlowSum seenOnly = onOneHost;
  seenOnly.flow.captured = false;
  EXPECT_EQ(standing({seenOnly}), Proxies{}) << "an inventory carries nothing";
}

TEST(MergeTest, ApportionedPartsAddUpToTheWhole) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 500; ++i) {
    Tally whole;
    whole.counts.requests = random() % 1000;
    whole.counts.bytesSent = random() >> 20;
    for (int j = 0; j < 5; ++j) whole.counts.latency.record(random() % 100'000, random() % 50);
    addRoute(whole.routes, "GET /", whole.counts);
    std::vector<std::uint64_t> weights(1 + random() % 4);
    for (auto& weight : weights) weight = random() % 3 == 0 ? 0 : random() % 100;
    Tally sum;
    for (const Tally& part : apportion(whole, weights)) sum.merge(part);
    ASSERT_EQ(sum.counts, whole.counts);
    ASSERT_EQ(sum.routes, whole.routes);
  }
}

}  // namespace
}  // namespace loam::graph
