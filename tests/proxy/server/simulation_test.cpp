#include "proxy/server/simulation.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"
#include "tests/proxy/server/proxy_on_a_loop.h"

namespace loam::server {
namespace {

using relay::Direction;

/// A tap that reads what the test says.
class PlayedTap final : public relay::Tap {
 public:
  void onConnected(const relay::Connected&) override {}
  std::uint64_t onBytes(Direction, std::span<const std::uint8_t>, Monotonic) override { return 0; }
  void onSkipped(Direction, std::uint64_t, Monotonic) override {}
  void onEnd(Direction, Monotonic) override {}
  void onClosed(relay::CloseReason, Monotonic) override {}
  void tellRequestsTo(filter::RequestListener* told) override { listener = told; }

  filter::RequestListener* listener = nullptr;
};

wire::FeatureConfig flag(const std::string& feature, const std::string& stage, const std::string& settings) {
  wire::FeatureConfig config;
  config.feature = feature;
  config.stage = stage;
  config.settings = *parseJson(settings);
  return config;
}

constexpr const char* kNoAdmin = R"({"rules":[{"name":"no-admin","action":"deny","match":{"paths":["/admin"]}}]})";
constexpr const char* kOneEach = R"({"limits":[{"name":"one","rate":"1/h","burst":1,"key":"caller"}]})";
constexpr const char* kBounds = R"({"request":"3s","response":"2s","idle":"1s",
    "rules":[{"name":"long","match":{"headers":{"x-long":"*"}},"request":"9s"}]})";

/// A connection of web (10.0.0.7) to shop (10.0.0.2:80).
class SimulationTest : public testing::Test {
 protected:
  void install(std::vector<wire::FeatureConfig> features, std::vector<std::string> proxies = {}) {
    wire::ServiceConfig service;
    service.name = "shop";
    service.endpoints = {*SocketAddress::parse("10.0.0.2:80")};
    service.features = std::move(features);
    service.callers = {{"web", {*IpAddress::parse("10.0.0.7")}}};
    service.proxies = std::move(proxies);
    wire::Snapshot snapshot;
    snapshot.generation = ++generation;
    snapshot.services = {service};
    auto made = ServiceTable::make(snapshot, ledger);
    ASSERT_TRUE(made) << made.error().describe();
    proxy.install(std::make_shared<const ServiceTable>(*std::move(made)));
  }
  void begin(bool isServed = false, relay::Vantage vantage = relay::Vantage::Inbound) {
    simulation.reset();
    live.reset();
    facts.vantage = vantage;
    live = std::make_unique<LiveConnection>(proxy.live, facts, clock.now());
    simulation = std::make_unique<Simulation>(proxy.context, *live, tap, std::string_view(), isServed);
  }
  /// A request passes, whole.
  void ask(std::uint32_t number, std::string_view method, std::string_view path,
           std::vector<http::HeaderField> headers = {}) {
    ASSERT_NE(tap.listener, nullptr);
    filter::ExchangeView view;
    view.method = method;
    view.path = path;
    view.headers = headers;
    view.number = number;
    moved(Direction::Upstream);
    tap.listener->onRequestHead(view, clock.now());
  }
  void moved(Direction direction) { tap.listener->onMoved(direction, clock.now()); }
  /// Its answer passes, whole.
  void answer(std::uint32_t number) {
    moved(Direction::Downstream);
    tap.listener->onExchange(number, clock.now(), clock.now());
  }
  std::string told() {
    std::string all;
    for (const std::string& one : std::exchange(proxy.verdicts.all, {})) all += one.substr(one.find(' ') + 1) + ";";
    EXPECT_EQ(proxy.verdicts.enforced, 0u);
    return all;
  }

  test::FakeClock clock;
  filters::ServiceLedger ledger;
  std::uint64_t generation = 0;
  ProxyOnALoop proxy{clock, nullptr, std::make_shared<const ServiceTable>()};
  relay::ConnectionFacts facts{*SocketAddress::parse("10.0.0.7:40000"), *SocketAddress::parse("10.0.0.2:80"),
                               relay::Vantage::Inbound, 1};
  PlayedTap tap;
  std::unique_ptr<LiveConnection> live;
  std::unique_ptr<Simulation> simulation;
};

TEST_F(SimulationTest, HearsOnlyWhileSomebodyWantsToBeAsked) {
  install({});
  begin();
  EXPECT_EQ(tap.listener, nullptr);
  install({flag("policy", "simulate", kNoAdmin)});
  EXPECT_EQ(tap.listener, simulation.get()) << "the flag holds for the next request of an open connection";
  ask(1, "GET", "/admin");
  install({flag("fault", "on", R"({"delay":"1s"})")});
  EXPECT_EQ(tap.listener, nullptr) << "a fault is asked nothing";
  EXPECT_EQ(told(), "policy no-admin;");
  install({flag("policy", "simulate", kNoAdmin)});
  simulation.reset();
  EXPECT_EQ(tap.listener, nullptr);
  install({});  // which finds nobody any more
}

TEST_F(SimulationTest, ARelayedExchangeIsDecidedAsEnforcingWould) {
  install({flag("policy", "simulate", kNoAdmin), flag("rate_limit", "simulate", kOneEach)});
  begin();
  ask(1, "GET", "/x/../admin");
  EXPECT_EQ(told(), "policy no-admin;") << "and one is taken of the limit, since simulating would have let it go on";
  ask(2, "GET", "/");
  EXPECT_EQ(told(), "rate_limit one;");
  ask(3, "GET", "/a%2fb");
  EXPECT_EQ(told(), "policy (path);rate_limit one;");
}

TEST_F(SimulationTest, WhatStandsAtEnforceIsToldAsNotEnforcedAndEndsTheRow) {
  install({flag("policy", "enforce", kNoAdmin), flag("rate_limit", "enforce", kOneEach)});
  begin();
  ask(1, "GET", "/admin");
  ask(2, "GET", "/");
  EXPECT_EQ(told(), "policy no-admin;") << "nothing was taken of the limit";
  ask(3, "GET", "/");
  EXPECT_EQ(told(), "rate_limit one;");
}

TEST_F(SimulationTest, ServedExchangesWentThroughTheirFiltersAlready) {
  install({flag("policy", "simulate", kNoAdmin), flag("rate_limit", "simulate", kOneEach)});
  begin(true);
  EXPECT_EQ(tap.listener, nullptr);
  install({flag("policy", "simulate", kNoAdmin), flag("timeouts", "simulate", kBounds)});
  ask(1, "GET", "/admin");
  clock.advance(seconds(10));
  answer(1);
  EXPECT_EQ(told(), "timeouts default;");
  install({flag("timeouts", "on", kBounds)});
  EXPECT_EQ(tap.listener, nullptr) << "who serves keeps to them";
}

TEST_F(SimulationTest, OfTwoProxiesOnItsWayOneCounts) {
  install({flag("policy", "simulate", kNoAdmin), flag("timeouts", "simulate", kBounds)}, {"beside-it"});
  begin(false, relay::Vantage::Outbound);
  EXPECT_EQ(tap.listener, nullptr);
  install({flag("policy", "simulate", kNoAdmin), flag("timeouts", "simulate", kBounds)});
  ask(1, "GET", "/admin");
  EXPECT_EQ(told(), "") << "a policy is the callee's";
  clock.advance(seconds(10));
  answer(1);
  EXPECT_EQ(told(), "timeouts default;");
}

TEST_F(SimulationTest, AnExchangeIsOverByAnyBoundOnce) {
  install({flag("timeouts", "simulate", kBounds)});
  begin();
  const auto goes = [&](std::initializer_list<int> pauses, std::vector<http::HeaderField> headers = {}) {
    ask(1, "GET", "/", std::move(headers));
    for (const int pause : pauses) {
      clock.advance(milliseconds(pause));
      moved(Direction::Downstream);
    }
    const Monotonic answered = clock.now() - milliseconds(pauses.size() > 1 ? 500 : 0);
    tap.listener->onExchange(1, answered, clock.now());
    return told();
  };
  EXPECT_EQ(goes({1000}), "");
  EXPECT_EQ(goes({1001}), "timeouts default;") << "idle";
  EXPECT_EQ(goes({900, 900, 900}), "timeouts default;") << "the answer's head came after 2.2 s";
  EXPECT_EQ(goes({900, 900, 300}), "");
  EXPECT_EQ(goes({5000}, {{"x-long", "1"}}), "") << "what a rule leaves out has no bound";
  EXPECT_EQ(goes({9001}, {{"x-long", "1"}}), "timeouts long;");
}

TEST_F(SimulationTest, AnUploadIsNoWaitForTheAnswer) {
  install({flag("timeouts", "simulate", R"({"response":"1s"})")});
  begin();
  ask(1, "POST", "/");
  for (int i = 0; i < 5; ++i) {
    clock.advance(milliseconds(900));
    moved(Direction::Upstream);
  }
  clock.advance(milliseconds(900));
  answer(1);
  EXPECT_EQ(told(), "");
  ask(2, "POST", "/");
  clock.advance(milliseconds(1100));
  ask(3, "POST", "/");  // which is none of the second one's bytes
  answer(2);
  answer(3);
  EXPECT_EQ(told(), "timeouts default;");
}

TEST_F(SimulationTest, ExchangesSideBySideAreToldApart) {
  install({flag("timeouts", "simulate", R"({"request":"1s"})")});
  begin();
  for (std::uint32_t number = 1; number <= 2 * Simulation::kMostOpen; ++number) ask(number, "GET", "/");
  clock.advance(milliseconds(500));
  ask(9999, "GET", "/");
  clock.advance(milliseconds(600));
  answer(9999);
  EXPECT_EQ(told(), "");
  answer(1);
  EXPECT_EQ(told(), "") << "it was let go";
  answer(2 * Simulation::kMostOpen);
  answer(2 * Simulation::kMostOpen);
  EXPECT_EQ(told(), "timeouts default;");
}

TEST_F(SimulationTest, ASnapshotChangesNothingOfAnExchangeUnderWay) {
  install({flag("timeouts", "simulate", R"({"request":"1s"})")});
  begin();
  ask(1, "GET", "/");
  install({flag("timeouts", "simulate", R"({"request":"1h"})")});
  ask(2, "GET", "/");
  clock.advance(seconds(2));
  answer(1);
  answer(2);
  EXPECT_EQ(told(), "timeouts default;");
}

}  // namespace
}  // namespace loam::server
