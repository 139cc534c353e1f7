#include "rollout/fleet/ground.h"

#include <gtest/gtest.h>

#include "rollout/features/mtls_readiness.h"

namespace loam::fleet {
namespace {

constexpr std::int64_t kDay = 24 * 3600;
constexpr std::int64_t kNow = 100 * kDay;

graph::Edge edgeOf(const std::string& source, std::uint16_t port, std::uint64_t mutual) {
  graph::Edge edge;
  edge.source = source;
  edge.target = "cart";
  edge.port = port;
  edge.counts.connections = 100;
  edge.firstSeen = kNow - 60 * kDay;
  edge.lastSeen = kNow - 60;
  edge.security.mutual = mutual;
  return edge;
}

features::MtlsReadiness readinessOf(const graph::Graph& record) {
  features::Ground ground;
  ground.now = kNow;
  ground.callers = callerRecordsOf(record, "cart");
  return features::readinessOf(ground, 8 * kDay, {});
}

TEST(GroundTest, ACallerIsReadyOnceItsPlaintextIsOlderThanTheWindow) {
  graph::Edge web = edgeOf("web", 80, 60);
  web.security.plaintext = 40;
  web.security.lastPlaintext = kNow - 20 * kDay;
  EXPECT_TRUE(readinessOf({.header = {}, .nodes = {}, .edges = {web}}).isReady());
  web.security.lastPlaintext = kNow - 7 * kDay;
  web.security.reasons = {{"no_proxy", 40, kNow - 7 * kDay}};
  const auto late = readinessOf({.header = {}, .nodes = {}, .edges = {web}});
  EXPECT_EQ(late.whoBlocks(), "web (plaintext within 8d)");
  EXPECT_EQ(late.callers.at(0).record.reason, "no_proxy");
  EXPECT_EQ(late.callers.at(0).record.mutual, 60u);
}

TEST(GroundTest, WhatNobodyLookedAtWasPlaintext) {
  graph::Edge web = edgeOf("web", 80, 60);
  web.security.unasked = 40;
  web.security.lastUnasked = kNow - kDay;
  EXPECT_FALSE(readinessOf({.header = {}, .nodes = {}, .edges = {web}}).isReady());
  web.security.lastUnasked = kNow - 30 * kDay;
  EXPECT_TRUE(readinessOf({.header = {}, .nodes = {}, .edges = {web}}).isReady());
}

TEST(GroundTest, TheEdgesOfOneCallerAreAddedUpAndOthersLeftOut) {
  graph::Edge plain = edgeOf("web", 8080, 0);
  plain.security.lastPlaintext = kNow - kDay;
  graph::Edge elsewhere = edgeOf("batch", 80, 0);
  elsewhere.target = "db";
  const auto callers =
      callerRecordsOf({.header = {}, .nodes = {}, .edges = {edgeOf("web", 80, 100), plain, elsewhere}}, "cart");
  ASSERT_EQ(callers.size(), 1u);
  EXPECT_EQ(callers[0].connections, 200u);
  EXPECT_EQ(callers[0].mutual, 100u);
  EXPECT_EQ(callers[0].lastPlaintext, kNow - kDay);
}

}  // namespace
}  // namespace loam::fleet
