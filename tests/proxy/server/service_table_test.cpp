#include "proxy/server/service_table.h"

#include <gtest/gtest.h>

#include "proxy/base/stable_hash.h"

namespace loam::server {
namespace {

wire::FeatureConfig observe(const std::string& stage, std::int32_t share = 100'000) {
  wire::FeatureConfig config;
  config.feature = "observe";
  config.stage = stage;
  config.share = share;
  config.salt = "salt";
  return config;
}

wire::ServiceConfig service(const std::string& name, const std::string& endpoint,
                            std::vector<wire::FeatureConfig> features = {}) {
  wire::ServiceConfig config;
  config.name = name;
  config.endpoints = {*SocketAddress::parse(endpoint)};
  config.features = std::move(features);
  return config;
}

relay::ConnectionFacts connection(std::uint16_t port) {
  relay::ConnectionFacts facts;
  facts.client = SocketAddress{*IpAddress::parse("10.0.9.9"), port};
  facts.destination = *SocketAddress::parse("10.0.0.1:80");
  return facts;
}

std::size_t admitted(const ObserveGate& gate) {
  std::size_t count = 0;
  for (std::uint16_t port = 1; port <= 10'000; ++port) count += gate.admits(connection(port)) ? 1 : 0;
  return count;
}

TEST(ServiceTableTest, KnowsServicesByAddressAndByTheWholeHost) {
  wire::Snapshot snapshot;
  snapshot.generation = 5;
  snapshot.services = {service("cart", "10.0.0.1:80"), service("host", "10.0.0.2:0")};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->generation(), 5u);
  EXPECT_EQ(table->find(*SocketAddress::parse("10.0.0.1:80"))->name, "cart");
  EXPECT_EQ(table->find(*SocketAddress::parse("10.0.0.1:81")), nullptr);
  EXPECT_EQ(table->find(*SocketAddress::parse("10.0.0.2:4711"))->name, "host");
  EXPECT_EQ(ServiceTable().find(*SocketAddress::parse("10.0.0.1:80")), nullptr);
}

TEST(ServiceTableTest, ObservesWhatTheFlagAsksFor) {
  EXPECT_EQ(admitted(ObserveGate()), 10'000u);
  EXPECT_EQ(admitted(ObserveGate(observe("on"))), 10'000u);
  EXPECT_EQ(admitted(ObserveGate(observe("off"))), 0u);
  EXPECT_EQ(admitted(ObserveGate(observe("sampled", 0))), 0u);
  EXPECT_EQ(admitted(ObserveGate(observe("sampled", 100'000))), 10'000u);
  const std::size_t tenth = admitted(ObserveGate(observe("sampled", 10'000)));
  EXPECT_GT(tenth, 850u);
  EXPECT_LT(tenth, 1150u);
}

TEST(ServiceTableTest, AGreaterShareKeepsTheConnectionsOfASmallerOne) {
  const ObserveGate small(observe("sampled", 10'000));
  const ObserveGate great(observe("sampled", 30'000));
  for (std::uint16_t port = 1; port <= 5000; ++port) {
    EXPECT_TRUE(!small.admits(connection(port)) || great.admits(connection(port)));
  }
}

TEST(ServiceTableTest, AServicesFlagWinsOverTheDefault) {
  wire::Snapshot snapshot;
  snapshot.defaults = {observe("off")};
  snapshot.services = {service("cart", "10.0.0.1:80", {observe("on")}), service("shop", "10.0.0.2:80")};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_TRUE(table);
  EXPECT_EQ(admitted(table->otherwise().observe), 0u);
  EXPECT_EQ(admitted(table->find(*SocketAddress::parse("10.0.0.1:80"))->observe), 10'000u);
  EXPECT_EQ(admitted(table->find(*SocketAddress::parse("10.0.0.2:80"))->observe), 0u);
}

TEST(ServiceTableTest, RefusesStagesItDoesNotKnowAndNamesThem) {
  wire::Snapshot snapshot;
  wire::FeatureConfig fault;
  fault.feature = "fault";
  fault.stage = "on";
  snapshot.services = {service("cart", "10.0.0.1:80", {fault, observe("squinting")})};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, ErrorCode::Unsupported);
  EXPECT_NE(table.error().context.find("fault.on for cart"), std::string::npos) << table.error().context;
  EXPECT_NE(table.error().context.find("observe.squinting for cart"), std::string::npos);
}

TEST(ServiceTableTest, MutualTlsIsOfServicesThatItNamesAlone) {
  wire::FeatureConfig mtls;
  mtls.feature = "mtls";
  mtls.stage = "strict";
  wire::Snapshot snapshot;
  snapshot.services = {service("shop", "10.0.0.2:80")};
  EXPECT_FALSE(ServiceTable::make(snapshot)->meetsPeers());
  snapshot.defaults = {mtls};
  snapshot.services.push_back(service("host", "10.0.0.3:0"));
  snapshot.services[0].callers = {{"web", {*IpAddress::parse("10.0.0.9")}}};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_TRUE(table) << table.error().context;
  EXPECT_TRUE(table->meetsPeers());
  const Service* shop = table->find(*SocketAddress::parse("10.0.0.2:80"));
  EXPECT_EQ(shop->mtls.stage(80), filters::MtlsStage::Strict);
  EXPECT_EQ(shop->callerAt(*IpAddress::parse("10.0.0.9")), "web");
  EXPECT_EQ(shop->callerAt(*IpAddress::parse("10.0.0.8")), "10.0.0.8");
  EXPECT_EQ(table->otherwise().mtls.stage(80), filters::MtlsStage::Off) << "a stranger has no proxy to be asked";
  EXPECT_EQ(table->findExactly(*SocketAddress::parse("10.0.0.2:80")), shop);
  EXPECT_EQ(table->findExactly(*SocketAddress::parse("10.0.0.3:22")), nullptr) << "a whole host is no endpoint";
  EXPECT_NE(table->find(*SocketAddress::parse("10.0.0.3:22")), nullptr);
}

TEST(ServiceTableTest, RefusesSettingsThatItCannotRead) {
  wire::FeatureConfig mtls;
  mtls.feature = "mtls";
  mtls.stage = "prefer";
  mtls.settings["fallback"] = "perhaps";
  wire::Snapshot snapshot;
  snapshot.services = {service("cart", "10.0.0.1:80", {mtls})};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_FALSE(table);
  EXPECT_NE(table.error().context.find("fallback"), std::string::npos) << table.error().context;
}

TEST(ServiceTableTest, ListsWhereNothingIsToBeCaptured) {
  wire::Snapshot snapshot;
  snapshot.services = {service("cart", "10.0.0.2:80"), service("db", "10.0.0.1:5432"), service("shop", "10.0.0.3:80")};
  snapshot.services[0].captured = snapshot.services[1].captured = false;
  const auto table = ServiceTable::make(snapshot);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->notCaptured(),
            (std::vector{*SocketAddress::parse("10.0.0.1:5432"), *SocketAddress::parse("10.0.0.2:80")}));
}

}  // namespace
}  // namespace loam::server
