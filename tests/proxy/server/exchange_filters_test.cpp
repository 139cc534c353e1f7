#include "proxy/server/exchange_filters.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"
#include "proxy/server/endpoint_choice.h"
#include "proxy/server/service_table.h"

namespace loam::server {
namespace {

wire::FeatureConfig config(const std::string& feature, const std::string& stage, const std::string& settings) {
  wire::FeatureConfig made;
  made.feature = feature;
  made.stage = stage;
  made.salt = "salt";
  made.settings = *parseJson(settings);
  return made;
}

filters::ServiceLedger ledger;

constexpr const char* kRule = R"({"rules": [{"name": "r", "action": "deny", "match": {"paths": ["/a"]}}]})";

TEST(ExchangeFiltersTest, EachStandsWhereItActs) {
  wire::ServiceConfig service;
  service.name = "cart";
  service.features = {config("fault", "on", R"({"delay": "1s"})"), config("policy", "enforce", kRule),
                      config("timeouts", "on", R"({"request": "1s"})")};
  auto filters = exchangeFiltersOf(service, {}, ledger, {});
  ASSERT_TRUE(filters);
  EXPECT_EQ(filters->atCallee.size(), 3u);
  EXPECT_EQ(filters->atCaller.size(), 2u) << "nobody stands beside the service: the caller's side does the fault";
  service.proxies = {"p1"};
  EXPECT_EQ(exchangeFiltersOf(service, {}, ledger, {})->atCaller.size(), 1u);
}

TEST(ExchangeFiltersTest, RelayedExchangesAreShownToWhoeverHasASimulatedStageAndCountedOnce) {
  wire::ServiceConfig service;
  service.name = "cart";
  service.features = {config("fault", "on", R"({"delay": "1s"})"), config("policy", "enforce", kRule),
                      config("timeouts", "simulate", R"({"request": "1s"})")};
  const auto alone = exchangeFiltersOf(service, {}, ledger, {});
  ASSERT_TRUE(alone);
  EXPECT_TRUE(alone->simulate());
  EXPECT_EQ(alone->atCallee.size(), 2u) << "no exchange goes through what only watches";
  EXPECT_EQ(alone->atCaller.size(), 1u);
  EXPECT_EQ(alone->ofCallee.relayed.size(), 2u);
  EXPECT_EQ(alone->ofCallee.served.size(), 1u);
  EXPECT_EQ(alone->ofCaller.relayed.size(), 1u) << "timeouts, since nobody stands beside the service";
  EXPECT_EQ(alone->ofCaller.served.size(), 1u);
  service.proxies = {"p1"};
  const auto beside = exchangeFiltersOf(service, {}, ledger, {});
  EXPECT_FALSE(beside->ofCaller.any());
  service.features = {config("fault", "on", R"({"delay": "1s"})")};
  EXPECT_FALSE(exchangeFiltersOf(service, {}, ledger, {})->simulate());
}

TEST(ExchangeFiltersTest, TimeoutsThatAreOnAreWatchedWhereNothingKeepsToThem) {
  wire::ServiceConfig service;
  service.features = {config("timeouts", "on", R"({"request": "1s"})")};
  const auto filters = exchangeFiltersOf(service, {}, ledger, {});
  EXPECT_EQ(filters->ofCallee.relayed.size(), 1u);
  EXPECT_TRUE(filters->ofCallee.served.empty());
  EXPECT_TRUE(filters->beside.empty());
}

TEST(ExchangeFiltersTest, TheFlagOfAServiceIsBeforeThatOfAll) {
  const std::vector<wire::FeatureConfig> all{config("timeouts", "on", R"({"request": "1s"})")};
  wire::ServiceConfig service;
  EXPECT_EQ(exchangeFiltersOf(service, all, ledger, {})->atCaller.size(), 1u);
  service.features = {config("timeouts", "off", "{}")};
  EXPECT_EQ(exchangeFiltersOf(service, all, ledger, {})->atCaller.size(), 0u);
}

TEST(ExchangeFiltersTest, RetriesAndRoutesAreTheCallersSide) {
  wire::ServiceConfig service;
  service.name = "cart";
  service.features = {config("retries", "on", "{}"), config("routing", "on", R"({"rules": []})")};
  const auto filters = exchangeFiltersOf(service, {}, ledger, {});
  ASSERT_TRUE(filters);
  EXPECT_TRUE(filters->atCallee.empty());
  EXPECT_EQ(filters->atCaller.size(), 2u);
  EXPECT_TRUE(filters->callerRepeats);
}

TEST(ExchangeFiltersTest, TheFirstDialIsBoundedWhereTimeoutsHoldForAll) {
  wire::ServiceConfig service;
  service.features = {config("timeouts", "on", R"({"connect": "700ms"})")};
  EXPECT_EQ(exchangeFiltersOf(service, {}, ledger, {})->connect, milliseconds(700));
  service.features[0].share = 50'000;
  EXPECT_EQ(exchangeFiltersOf(service, {}, ledger, {})->connect, std::nullopt);
  service.features[0] = config("timeouts", "simulate", R"({"connect": "700ms"})");
  EXPECT_EQ(exchangeFiltersOf(service, {}, ledger, {})->connect, std::nullopt);
}

TEST(ExchangeFiltersTest, EndpointsAreChosenAmongWhereAFlagOrARouteAsksForIt) {
  const auto service = [](const char* name, const char* endpoint, std::vector<wire::FeatureConfig> features) {
    wire::ServiceConfig made;
    made.name = name;
    made.endpoints = {*SocketAddress::parse(endpoint)};
    made.features = std::move(features);
    return made;
  };
  wire::Snapshot snapshot;
  snapshot.services = {
      service("cart", "10.0.0.2:80", {config("balancing", "on", "{}")}), service("cart-v2", "10.0.0.3:80", {}),
      service("other", "10.0.0.5:80", {}),
      service("shop", "10.0.0.4:80",
              {config("routing", "on", R"({"rules": [{"name": "r", "to": [{"service": "cart-v2"}]}]})")})};
  const SocketAddress first = snapshot.services[0].endpoints[0];
  const SocketAddress second = snapshot.services[1].endpoints[0];
  const auto clusters = clustersOf(snapshot, ledger);
  ASSERT_TRUE(clusters) << clusters.error().describe();
  ASSERT_EQ(clusters->size(), 2u);
  EXPECT_NE(clusters->at("cart")->at(80), nullptr);
  EXPECT_EQ(clusters->at("cart")->at(81), nullptr);
  EXPECT_NE(clusters->at("cart-v2")->at(80), nullptr);
  const auto table = ServiceTable::make(snapshot, ledger);
  ASSERT_TRUE(table) << table.error().describe();
  EXPECT_NE(table->find(first)->clusters, nullptr);
  EXPECT_TRUE(table->find(first)->exchanges.balanced);
  EXPECT_FALSE(table->find(second)->exchanges.balanced);
}

TEST(ExchangeFiltersTest, SettingsThatCannotBeReadAreNamed) {
  wire::ServiceConfig service;
  service.name = "cart";
  service.features = {config("fault", "on", R"({"delay": "soon"})")};
  const auto filters = exchangeFiltersOf(service, {}, ledger, {});
  ASSERT_FALSE(filters);
  EXPECT_EQ(filters.error().code, ErrorCode::InvalidArgument);
  EXPECT_NE(filters.error().context.find("settings of fault for cart"), std::string::npos);
}

TEST(ExchangeFiltersTest, DestinationsOfNoServiceHaveThoseOfAll) {
  wire::Snapshot snapshot;
  snapshot.defaults = {config("timeouts", "on", R"({"request": "1s"})")};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_TRUE(table) << table.error().describe();
  EXPECT_EQ(table->otherwise().exchanges.atCaller.size(), 1u);
}

}  // namespace
}  // namespace loam::server
