#include "proxy/wire/snapshot.h"

#include <gtest/gtest.h>

#include "proxy/wire/watch.h"

namespace loam::wire {
namespace {

Snapshot sample() {
  Snapshot snapshot;
  snapshot.epoch = 3;
  snapshot.generation = 44;
  snapshot.proxy = "node \"a\"\n";
  FeatureConfig feature;
  feature.feature = "observe";
  feature.stage = "sampled";
  feature.share = 12'500;
  feature.salt = "s";
  feature.include = {"u1"};
  feature.exclude = {"u2", "u3"};
  feature.settings["depth"] = 3;
  snapshot.defaults = {feature};
  ServiceConfig service;
  service.name = "cart";
  service.endpoints = {*SocketAddress::parse("10.0.0.1:80"), *SocketAddress::parse("[2001:db8::1]:80")};
  service.captured = false;
  service.pin = ProtocolPin{"http1", 17};
  service.features = {feature};
  service.proxies = {"node-a", "node-b"};
  service.callers = {{"cron", {}}, {"web", {*IpAddress::parse("10.0.0.7"), *IpAddress::parse("2001:db8::7")}}};
  ServiceConfig plain;
  plain.name = "shop";
  snapshot.services = {service, plain};
  snapshot.trust = Trust{2, "aa", {"-----BEGIN CERTIFICATE-----\n"}, {{Denied::Of::Serial, "7f", 9}}};
  return snapshot;
}

TEST(SnapshotTest, ReadsBackWhatItWrote) {
  const auto read = decodeSnapshot(encode(sample()));
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_EQ(*read, sample());
  EXPECT_EQ(encode(*read), encode(sample()));
}

TEST(SnapshotTest, ADrainIsOneMemberMoreAndNothingElse) {
  Snapshot drained = sample();
  drained.drained = true;
  const auto read = decodeSnapshot(encode(drained));
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_EQ(*read, drained);
  std::string text = encode(drained);
  const std::string member = ",\"drained\":true";
  ASSERT_NE(text.find(member), std::string::npos);
  text.erase(text.find(member), member.size());
  EXPECT_EQ(text, encode(sample())) << "who is not drained is told nothing of it";
  EXPECT_FALSE(decodeSnapshot(R"({"defaults":[],"drained":1,"epoch":1,"generation":1,"proxy":"p","services":[]})"));
}

TEST(SnapshotTest, NamesEveryProblemWithItsPlace) {
  const auto read = decodeSnapshot(
      R"({"epoch":1,"generation":-1,"proxy":"p","services":[{"name":"a","endpoints":["10.0.0.1"],"features":[{"feature":"f"}],"pn":1}]})");
  ASSERT_FALSE(read);
  for (const char* place : {"/generation", "/services/0/endpoints", "/services/0/features/0", "/services/0/pn"}) {
    EXPECT_NE(read.error().context.find(place), std::string::npos) << place << " in " << read.error().context;
  }
}

TEST(SnapshotTest, RefusesWhatIsNoSnapshot) {
  for (const char* text : {"", "[]", "null", "{", "{}", R"({"epoch":1,"epoch":1})"})
    EXPECT_FALSE(decodeSnapshot(text)) << text;
  EXPECT_FALSE(decodeSnapshot(std::string(kMostSnapshotBytes + 1, ' ')));
}

TEST(SnapshotTest, EveryCutOfItIsRefused) {
  const std::string text = encode(sample());
  for (std::size_t length = 0; length < text.size(); ++length) EXPECT_FALSE(decodeSnapshot(text.substr(0, length)));
}

TEST(WatchTest, ReadsBackWhatItWrote) {
  Watch watch;
  watch.proxy = "p";
  watch.version = "0.1.0";
  watch.capabilities = {"observe.on", "observe.sampled"};
  watch.epoch = 1;
  watch.acknowledged = 2;
  watch.inEffect = 1;
  watch.refused = Refusal{3, {"no such stage", "no disk"}};
  watch.oldConnections = 9;
  watch.trust = 2;
  watch.killed = true;
  watch.drained = Drained{true, 3, {*SocketAddress::parse("127.0.0.1:8000")}, 2};
  watch.missed = {*SocketAddress::parse("10.0.0.1:80")};
  watch.waitMs = 30'000;
  const auto read = decodeWatch(encode(watch));
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_EQ(*read, watch);
}

TEST(WatchTest, RefusesWhatBreaksItsBounds) {
  Watch watch;
  watch.proxy = "p";
  const std::string good = encode(watch);
  ASSERT_TRUE(decodeWatch(good));
  watch.waitMs = kMostWaitMs + 1;
  EXPECT_FALSE(decodeWatch(encode(watch)));
  watch.waitMs = 0;
  watch.missed.assign(kMostMissed + 1, *SocketAddress::parse("10.0.0.1:80"));
  EXPECT_FALSE(decodeWatch(encode(watch)));
  watch.missed.clear();
  watch.drained.emplace().ports.assign(kMostPorts + 1, *SocketAddress::parse("10.0.0.1:80"));
  EXPECT_FALSE(decodeWatch(encode(watch)));
  EXPECT_FALSE(decodeWatch(good + std::string(kMostWatchBytes, ' ')));
  EXPECT_FALSE(decodeWatch(R"({"proxy":"p"})"));
}

}  // namespace
}  // namespace loam::wire
