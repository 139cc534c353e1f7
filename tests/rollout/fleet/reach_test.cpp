#include "rollout/fleet/reach.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "proxy/base/stable_hash.h"
#include "rollout/flags/population.h"
#include "rollout/fleet/compile.h"

namespace loam::fleet {
namespace {

using Names = std::vector<std::string>;

graph::Edge edge(const std::string& source, const std::string& target, std::uint64_t connections,
                 std::uint64_t requests) {
  graph::Edge made;
  made.source = source;
  made.target = target;
  made.protocol = "http1";
  made.port = 80;
  made.counts.connections = connections;
  made.counts.requests = requests;
  return made;
}

/// Eight callers of cart, two instances of it, and two edges elsewhere; two proxies carry it, one of them an old one,
/// and a third was not heard of.
class ReachTest : public testing::Test {
 protected:
  ReachTest() {
    graph::Graph graph;
    graph.header.window = {1000, 2000};
    graph::Coverage coverage;
    coverage.proxy = "p1";
    coverage.firstReport = 1500;
    graph.header.coverage = {coverage};
    for (int i = 0; i < 8; ++i) {
      callers.push_back("web-" + std::to_string(i));
      graph.edges.push_back(edge(callers.back(), "cart", 10 + i, 100));
    }
    graph.edges.push_back(edge("web-0", "db", 5, 5));
    graph.edges.push_back(edge("web-1", "db", 5, 5));
    Topology topology;
    Place& cart = topology.services["cart"];
    cart.endpoints = {*SocketAddress::parse("10.0.0.1:80"), *SocketAddress::parse("10.0.0.2:80")};
    for (const std::string& caller : callers) cart.callers.push_back({caller, {*IpAddress::parse("10.0.1.1")}});
    Carrier able{"p1", true, false, {"mtls.permissive", "rate_limit.enforce"}, {"cart"}};
    Carrier old{"p2", true, false, {}, {"cart", "db"}};
    Carrier lost{"p3", false, true, {}, {"cart"}};
    Carrier other{"p4", true, false, {}, {"db"}};
    sight = {std::make_shared<const Topology>(topology), std::make_shared<const Traffic>(trafficOf(graph)),
             std::make_shared<const std::vector<Carrier>>(std::vector{able, old, lost, other})};
  }
  static flags::Flag flag(const std::string& feature, const std::string& stage, flags::Share share = flags::kWhole) {
    flags::Flag made;
    made.cell = {"cart", feature};
    made.stage = stage;
    made.share = share;
    made.salt = flags::saltOf(made.cell);
    return made;
  }
  static Names sorted(Names names) {
    std::sort(names.begin(), names.end());
    return names;
  }

  Names callers;
  Sight sight;
};

TEST_F(ReachTest, NamesWhichOfAFewCallersGoInAndWhichStayOut) {
  const flags::Flag after = flag("rate_limit", "enforce", 25'000);
  const Reach reach = reachOf(flag("rate_limit", "simulate"), after, sight);
  ASSERT_TRUE(reach.named);
  EXPECT_TRUE(reach.named->byRank);
  EXPECT_EQ(reach.named->in, sorted(flags::switched(after, callers)));
  EXPECT_EQ(reach.named->in.size(), 2u);  // heads of eight, whatever the buckets say
  EXPECT_EQ(reach.named->staysOut.size(), 6u);
  EXPECT_TRUE(reach.named->out.empty());
  EXPECT_FALSE(reach.expected);
}

TEST_F(ReachTest, ALowerShareNamesThoseThatGoOutAndAHigherOneTakesNobodyOut) {
  const flags::Flag quarter = flag("rate_limit", "enforce", 25'000);
  const flags::Flag half = flag("rate_limit", "enforce", 50'000);
  const Reach up = reachOf(quarter, half, sight);
  const Reach down = reachOf(half, quarter, sight);
  EXPECT_EQ(up.named->in.size(), 2u);
  EXPECT_EQ(up.named->staysIn.size(), 2u);
  EXPECT_TRUE(up.named->out.empty());
  EXPECT_EQ(down.named->out, up.named->in);
  EXPECT_EQ(down.named->staysIn, up.named->staysIn);
  EXPECT_EQ(reachOf(half, flag("rate_limit", "off"), sight).named->out.size(), 4u);
}

TEST_F(ReachTest, IncludeAndExcludeWinAndStrangeNamesAreSaid) {
  flags::Flag after = flag("rate_limit", "enforce", 0);
  after.include = {"wbe-4", "web-3"};
  after.exclude = {"web-5"};
  const Reach reach = reachOf(flag("rate_limit", "simulate"), after, sight);
  EXPECT_EQ(reach.named->in, (Names{"web-3"}));
  EXPECT_EQ(reach.named->strange, (Names{"wbe-4"}));
}

TEST_F(ReachTest, InstancesAreTheEndpointsOfTheService) {
  const Reach reach = reachOf(flag("mtls", "observe"), flag("mtls", "permissive"), sight);
  EXPECT_EQ(reach.unit, features::Unit::Instance);
  EXPECT_EQ(reach.named->in, (Names{"10.0.0.1:80", "10.0.0.2:80"}));
}

/// Whether a proxy that knows a unit by name has it in, as UnitShare of the proxy decides.
bool isIn(const wire::FeatureConfig& config, const std::string& unit) {
  const auto has = [&unit](const Names& names) { return std::binary_search(names.begin(), names.end(), unit); };
  if (has(config.exclude)) return false;
  return config.share == flags::kWhole || has(config.include) ||
         bucketOf(config.salt, unit) < static_cast<std::uint32_t>(config.share);
}

TEST_F(ReachTest, APreviewNamesWhomAProxySwitches) {
  for (const auto& [feature, stage] : {std::pair{"rate_limit", "enforce"},
                                       {"policy", "enforce"},
                                       {"mtls", "permissive"},
                                       {"mtls", "prefer"},
                                       {"mtls", "strict"}}) {
    for (const flags::Share share : {0, 1, 10'000, 33'333, 50'000, 99'999, flags::kWhole}) {
      flags::Flag after = flag(feature, stage, share);
      after.revision = 1;
      after.include = {"10.0.0.2:80", "web-3"};
      after.exclude = {"web-5"};
      flags::Desired desired;
      desired.flags[after.cell] = after;
      std::vector<Withheld> withheld;
      const auto service =
          compile("cart", sight.topology->services.at("cart"), desired,
                  {"mtls.permissive", "mtls.prefer", "mtls.strict", "policy.enforce", "rate_limit.enforce"}, withheld);
      ASSERT_EQ(service.features.size(), 1u);
      flags::Flag before = after;
      before.stage = "off";
      const Reach reach = reachOf(before, after, sight);
      for (const std::string& unit : reach.named->in) EXPECT_TRUE(isIn(service.features[0], unit)) << stage << unit;
      for (const std::string& unit : reach.named->staysOut) EXPECT_FALSE(isIn(service.features[0], unit)) << unit;
      EXPECT_EQ(reach.named->in.size() + reach.named->staysOut.size(), std::string(stage) == "permissive" ? 2u : 8u);
      EXPECT_EQ(isIn(service.features[0], "whom nobody knows"), share == flags::kWhole);
    }
  }
}

TEST_F(ReachTest, WhatComesAndGoesHasAnExpectedRate) {
  const Reach reach = reachOf(flag("observe", "on"), flag("observe", "sampled", 10'000), sight);
  ASSERT_TRUE(reach.expected);  // the higher stage holds for all
  EXPECT_EQ(reach.expected->before, flags::kWhole);
  EXPECT_EQ(reach.expected->after, 10'000);
  EXPECT_FALSE(reachOf(flag("observe", "off"), flag("observe", "on"), sight).expected);
  const Reach sampled = reachOf(flag("observe", "sampled", 50'000), flag("observe", "sampled", 10'000), sight);
  ASSERT_TRUE(sampled.expected);
  EXPECT_DOUBLE_EQ(sampled.expected->perSecond, (10 + 11 + 12 + 13 + 14 + 15 + 16 + 17) / 500.0);
  EXPECT_EQ(sampled.expected->before, 50'000);
  EXPECT_EQ(sampled.expected->after, 10'000);
  const Reach requests = reachOf(flag("timeouts", "simulate"), flag("timeouts", "on", 1000), sight);
  EXPECT_DOUBLE_EQ(requests.expected->perSecond, 800 / 500.0);
  EXPECT_EQ(requests.expected->before, 0);
}

TEST_F(ReachTest, TheBlastRadiusCountsCallersEdgesAndProxies) {
  const Reach reach = reachOf(flag("rate_limit", "simulate"), flag("rate_limit", "enforce"), sight);
  EXPECT_EQ(reach.callers, 8u);
  EXPECT_EQ(reach.calls.front().caller, "web-7");  // with most connections
  EXPECT_DOUBLE_EQ(reach.edgeShare, 0.8);
  EXPECT_EQ(reach.seconds, 500);  // somebody reported on so many of the window's thousand
  EXPECT_EQ(reach.carriers, (Names{"p1", "p2", "p3"}));
  EXPECT_EQ(reach.lacking, (Names{"p2"}));  // of p3 nobody knows
  EXPECT_EQ(reach.silent, (Names{"p3"}));
}

TEST_F(ReachTest, OfAServiceThatNobodyKnowsThereIsNothingToSay) {
  flags::Flag before = flag("mtls", "off");
  before.cell.service = "yet-to-come";
  flags::Flag after = before;
  after.stage = "permissive";
  const Reach reach = reachOf(before, after, sight);
  EXPECT_TRUE(reach.named->in.empty());
  EXPECT_TRUE(reach.calls.empty());
  EXPECT_TRUE(reach.carriers.empty());
  EXPECT_EQ(reachOf(before, before,
                    Sight{std::make_shared<const Topology>(), std::make_shared<const Traffic>(),
                          std::make_shared<const std::vector<Carrier>>()})
                .edgeShare,
            0);
}

TEST_F(ReachTest, TheFlagOfEveryServiceConcernsEveryEdgeAndProxy) {
  flags::Flag before = flag("observe", "sampled", 20'000);
  before.cell.service = std::string(flags::kEveryService);
  flags::Flag after = before;
  after.share = 10'000;
  const Reach reach = reachOf(before, after, sight);
  EXPECT_DOUBLE_EQ(reach.edgeShare, 1);
  EXPECT_EQ(reach.carriers.size(), 4u);
  EXPECT_TRUE(reach.expected);
}

}  // namespace
}  // namespace loam::fleet
