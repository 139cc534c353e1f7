#include "proxy/server/service_table.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"
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

TEST(ServiceTableTest, ServesWhatTheFlagAsksForAndWhatMaySpeakHttp1) {
  wire::FeatureConfig on;
  on.feature = "serve";
  on.stage = "on";
  wire::FeatureConfig off = on;
  off.stage = "off";
  wire::Snapshot snapshot;
  snapshot.defaults = {on};
  snapshot.services = {service("web", "10.0.0.1:80"), service("left", "10.0.0.2:80", {off}),
                       service("base", "10.0.0.3:80"), service("pinned", "10.0.0.4:80", {on})};
  snapshot.services[2].pin = wire::ProtocolPin{"postgres", 1000};
  snapshot.services[3].pin = wire::ProtocolPin{"http1", 1000};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_TRUE(table) << table.error().describe();
  const auto serves = [&](const char* address) {
    return table->find(*SocketAddress::parse(address))->serve.settingsFor(connection(1)) != nullptr;
  };
  EXPECT_TRUE(serves("10.0.0.1:80"));
  EXPECT_FALSE(serves("10.0.0.2:80"));
  EXPECT_FALSE(serves("10.0.0.3:80"));
  EXPECT_TRUE(serves("10.0.0.4:80"));
}

TEST(ServiceTableTest, ReadsAlongWhereItServesNot) {
  wire::FeatureConfig serve;
  serve.feature = "serve";
  serve.stage = "simulate";
  wire::FeatureConfig half = serve;
  half.stage = "on";
  half.share = 50'000;
  half.salt = "s";
  wire::Snapshot snapshot;
  snapshot.services = {service("web", "10.0.0.1:80", {serve}), service("half", "10.0.0.2:80", {half}),
                       service("base", "10.0.0.3:80", {serve}), service("plain", "10.0.0.4:80")};
  snapshot.services[2].pin = wire::ProtocolPin{"postgres", 1000};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_TRUE(table) << table.error().describe();
  const auto gate = [&](const char* address) -> const ServeGate& {
    return table->find(*SocketAddress::parse(address))->serve;
  };
  std::size_t served = 0;
  for (std::uint16_t port = 1; port <= 1000; ++port) {
    EXPECT_FALSE(gate("10.0.0.1:80").settingsFor(connection(port)));
    EXPECT_TRUE(gate("10.0.0.1:80").simulatedFor(connection(port)));
    const bool serves = gate("10.0.0.2:80").settingsFor(connection(port)) != nullptr;
    EXPECT_NE(serves, gate("10.0.0.2:80").simulatedFor(connection(port)) != nullptr);
    served += serves ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(served), 500, 80);
  EXPECT_FALSE(gate("10.0.0.3:80").simulatedFor(connection(1))) << "it is known to speak something else";
  EXPECT_FALSE(gate("10.0.0.4:80").simulatedFor(connection(1)));
}

TEST(ServiceTableTest, SaysWhetherAnybodyIsToBeAskedAboutRelayedExchanges) {
  wire::FeatureConfig timeouts;
  timeouts.feature = "timeouts";
  timeouts.stage = "simulate";
  timeouts.settings = *parseJson(R"({"request": "1s"})");
  wire::Snapshot snapshot;
  snapshot.services = {service("web", "10.0.0.1:80")};
  EXPECT_FALSE(ServiceTable::make(snapshot)->simulates());
  snapshot.services[0].features = {timeouts};
  EXPECT_TRUE(ServiceTable::make(snapshot)->simulates());
  snapshot.services.clear();
  snapshot.defaults = {timeouts};
  EXPECT_TRUE(ServiceTable::make(snapshot)->simulates());
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
  wire::FeatureConfig compare;
  compare.feature = "shadow";
  compare.stage = "compare";
  snapshot.services = {service("cart", "10.0.0.1:80", {compare, observe("squinting")})};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, ErrorCode::Unsupported);
  EXPECT_NE(table.error().context.find("shadow.compare for cart"), std::string::npos) << table.error().context;
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
  EXPECT_EQ(shop->callerAt(*IpAddress::parse("10.0.0.8")), "");
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

class Deaf final : public filter::VerdictSink {
 public:
  void onDenied(const filter::ConnectionView&, const filter::Verdict&) override {}
};

wire::FeatureConfig policy(const std::string& stage, const std::string& settings) {
  wire::FeatureConfig config;
  config.feature = "policy";
  config.stage = stage;
  config.settings = *parseJson(settings);
  return config;
}

TEST(ServiceTableTest, MakesTheFiltersOfAServicesPolicy) {
  wire::Snapshot snapshot;
  const std::string onlyWeb =
      R"({"default":"deny","rules":[{"name":"web","action":"allow","match":{"sources":["web"]}}]})";
  snapshot.services = {service("cart", "10.0.0.1:80", {policy("enforce", onlyWeb)}),
                       service("shop", "10.0.0.2:80", {policy("simulate", onlyWeb)}),
                       service("api", "10.0.0.3:80", {policy("simulate", R"({"rules":[{"name":"a","action":"deny",
                           "match":{"methods":["PUT"]}}]})")}),
                       service("off", "10.0.0.4:80", {policy("off", "{}")})};
  snapshot.services[0].callers = {{"web", {*IpAddress::parse("10.0.9.1")}}};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_TRUE(table) << table.error().describe();
  Deaf deaf;
  const auto denies = [&](const char* destination, const char* client) {
    const Service* to = table->find(*SocketAddress::parse(destination));
    const filter::ConnectionView view{.client = *SocketAddress::parse(client),
                                      .destination = *SocketAddress::parse(destination),
                                      .vantage = relay::Vantage::Inbound,
                                      .caller = to->callerAt(SocketAddress::parse(client)->ip),
                                      .identity = {}};
    filter::Holds holds;
    return to->admission.at(0)->admit(view, deaf, holds).has_value();
  };
  EXPECT_FALSE(denies("10.0.0.1:80", "10.0.9.1:4711"));
  EXPECT_TRUE(denies("10.0.0.1:80", "10.0.9.2:4711"));
  EXPECT_FALSE(denies("10.0.0.2:80", "10.0.9.2:4711"));
  EXPECT_TRUE(table->find(*SocketAddress::parse("10.0.0.3:80"))->admission.empty()) << "it acts on exchanges alone";
  EXPECT_TRUE(table->find(*SocketAddress::parse("10.0.0.4:80"))->admission.empty());
}

TEST(ServiceTableTest, APolicyThatCannotBeReadOrIsOfEveryServiceIsRefused) {
  wire::Snapshot snapshot;
  snapshot.services = {service("cart", "10.0.0.1:80", {policy("enforce", R"({"defualt":"deny"})")})};
  const auto unread = ServiceTable::make(snapshot);
  ASSERT_FALSE(unread);
  EXPECT_NE(unread.error().context.find("policy for cart: /defualt"), std::string::npos) << unread.error().context;
  snapshot.services.clear();
  snapshot.defaults = {policy("enforce", R"({"default":"deny"})")};
  const auto everywhere = ServiceTable::make(snapshot);
  ASSERT_FALSE(everywhere);
  EXPECT_NE(everywhere.error().context.find("policy.enforce for every service"), std::string::npos);
}

TEST(ServiceTableTest, AnAddressOfTwoCallersIsNobodys) {
  wire::Snapshot snapshot;
  snapshot.services = {service("cart", "10.0.0.1:80")};
  const auto at = [](const char* text) { return *IpAddress::parse(text); };
  snapshot.services[0].callers = {{"10.0.9.3", {at("10.0.9.3")}},
                                  {"cron", {at("10.0.9.2")}},
                                  {"web", {at("10.0.9.1"), at("10.0.9.2"), at("10.0.9.3")}},
                                  {"10.0.9.1", {at("10.0.9.1")}}};
  const auto table = ServiceTable::make(snapshot);
  ASSERT_TRUE(table);
  const Service& cart = *table->find(*SocketAddress::parse("10.0.0.1:80"));
  EXPECT_EQ(cart.callerAt(at("10.0.9.1")), "web");
  EXPECT_EQ(cart.callerAt(at("10.0.9.2")), "");
  EXPECT_EQ(cart.callerAt(at("10.0.9.3")), "web") << "an address is no name";
  EXPECT_EQ(cart.callerAt(at("10.0.9.4")), "");
}

}  // namespace
}  // namespace loam::server
