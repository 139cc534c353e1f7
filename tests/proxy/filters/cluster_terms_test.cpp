#include "proxy/filters/cluster_terms.h"

#include <gtest/gtest.h>

#include "settings_table.h"
#include "tests/support/fake_clock.h"

namespace loam::filters {
namespace {

upstream::ClusterTerms termsOf(const ClusterSettings& settings, const std::string& zone = "a") {
  auto terms = clusterTerms(settings, zone);
  EXPECT_TRUE(terms) << terms.error().describe();
  return terms.value_or(upstream::ClusterTerms());
}

TEST(ClusterTermsTest, WithoutFlagsNothingIsAskedCappedOrEjected) {
  const auto terms = termsOf({});
  EXPECT_EQ(terms.balancer.algorithm, upstream::Algorithm::LeastRequest);
  EXPECT_EQ(terms.balancer.zone, "");
  EXPECT_FALSE(terms.health || terms.ejection || terms.budget || terms.caps.requests);
  EXPECT_TRUE(terms.subsets.empty());
}

TEST(ClusterTermsTest, DefaultsAreTheSameOnBothSides) {
  const auto set = termsOf({.balancing = good<BalancingSettings>("{}"), .retries = good<RetriesSettings>("{}")});
  const upstream::ClusterTerms unset;
  EXPECT_EQ(set.balancer.algorithm, unset.balancer.algorithm);
  EXPECT_EQ(set.balancer.slowStart, unset.balancer.slowStart);
  EXPECT_EQ(set.balancer.panicPercent, unset.balancer.panicPercent);
  EXPECT_EQ(set.balancer.leastEndpoints, unset.balancer.leastEndpoints);
  EXPECT_EQ(set.pool.mostIdle, unset.pool.mostIdle);
  EXPECT_EQ(set.pool.idle, unset.pool.idle);
  EXPECT_EQ(set.pool.life, unset.pool.life);
  const upstream::RetryBudgetTerms budget;
  EXPECT_EQ(set.budget->ratio, budget.ratio);
  EXPECT_EQ(set.budget->minPerSecond, budget.minPerSecond);
  EXPECT_EQ(set.budget->window, budget.window);
  const auto ejecting = termsOf({.circuitBreaking = good<CircuitBreakingSettings>(R"({"ejection": {}})")});
  const upstream::EjectionTerms ejection;
  EXPECT_EQ(ejecting.ejection->on, ejection.on);
  EXPECT_EQ(ejecting.ejection->consecutive, ejection.consecutive);
  EXPECT_EQ(ejecting.ejection->failurePercent, ejection.failurePercent);
  EXPECT_EQ(ejecting.ejection->leastExchanges, ejection.leastExchanges);
  EXPECT_EQ(ejecting.ejection->interval, ejection.interval);
  EXPECT_EQ(ejecting.ejection->base, ejection.base);
  EXPECT_EQ(ejecting.ejection->most, ejection.most);
  EXPECT_EQ(ejecting.ejection->maxPercent, ejection.maxPercent);
  EXPECT_EQ(backoffTerms({}).base, upstream::BackoffTerms().base);
  EXPECT_EQ(backoffTerms({}).most, upstream::BackoffTerms().most);
}

TEST(ClusterTermsTest, EveryAlgorithmHasItsName) {
  const std::pair<const char*, upstream::Algorithm> all[] = {
      {"least_request", upstream::Algorithm::LeastRequest}, {"peak_ewma", upstream::Algorithm::PeakEwma},
      {"round_robin", upstream::Algorithm::RoundRobin},     {"random", upstream::Algorithm::Random},
      {"ring_hash", upstream::Algorithm::RingHash},         {"maglev", upstream::Algorithm::Maglev}};
  for (const auto& [name, algorithm] : all) {
    const bool hashes = algorithm == upstream::Algorithm::RingHash || algorithm == upstream::Algorithm::Maglev;
    const std::string json =
        R"({"algorithm": ")" + std::string(name) + "\"" + (hashes ? R"(, "hash": {"by": "source"}})" : "}");
    EXPECT_EQ(termsOf({.balancing = good<BalancingSettings>(json)}).balancer.algorithm, algorithm) << name;
  }
}

TEST(ClusterTermsTest, TakesAllOfBalancing) {
  const auto settings = good<BalancingSettings>(R"({
      "health": {"kind": "http", "path": "/h", "statuses": [204], "port": 9000, "interval": "5s", "timeout": "400ms",
                 "healthy_after": 4, "unhealthy_after": 5},
      "locality": {"prefer": "zone", "least_endpoints": 3}, "pool": {"most_idle": 9, "idle": "2s", "life": "1m"},
      "slow_start": "20s", "panic_percent": 30})");
  const auto terms = termsOf({.balancing = settings}, "b");
  EXPECT_EQ(terms.balancer.slowStart, seconds(20));
  EXPECT_EQ(terms.balancer.panicPercent, 30u);
  EXPECT_EQ(terms.balancer.zone, "b");
  EXPECT_EQ(terms.balancer.leastEndpoints, 3u);
  EXPECT_EQ(terms.pool.mostIdle, 9u);
  EXPECT_EQ(terms.pool.idle, seconds(2));
  EXPECT_EQ(terms.pool.life, std::chrono::minutes(1));
  ASSERT_TRUE(terms.health);
  EXPECT_EQ(terms.health->kind, upstream::HealthTerms::Kind::Http);
  EXPECT_EQ(terms.health->path, "/h");
  EXPECT_EQ(terms.health->statuses, std::vector<std::uint16_t>{204});
  EXPECT_EQ(terms.health->port, 9000);
  EXPECT_EQ(terms.health->interval, seconds(5));
  EXPECT_EQ(terms.health->timeout, milliseconds(400));
  EXPECT_EQ(terms.health->healthyAfter, 4u);
  EXPECT_EQ(terms.health->unhealthyAfter, 5u);
}

TEST(ClusterTermsTest, TakesAllOfCircuitBreakingAndRetries) {
  const auto breaking = good<CircuitBreakingSettings>(R"({"caps": {"connections": 1, "requests": 3, "pending": 2},
      "ejection": {"on": ["server_error", "timeout"], "consecutive": 2, "failure_percent": 40, "least_exchanges": 7,
                   "interval": "4s", "base": "2s", "most": "8s", "max_percent": 60}})");
  const auto retries = good<RetriesSettings>(R"({"budget": {"ratio": 0.3, "min_per_second": 4, "window": "5s"}})");
  const auto terms = termsOf({.circuitBreaking = breaking, .breakingSimulated = true, .retries = retries});
  EXPECT_EQ(terms.caps.connections, 1u);
  EXPECT_EQ(terms.caps.requests, 3u);
  EXPECT_EQ(terms.caps.pending, 2u);
  EXPECT_TRUE(terms.capsSimulated);
  ASSERT_TRUE(terms.ejection);
  EXPECT_EQ(terms.ejection->on, (std::vector{upstream::Failure::ServerError, upstream::Failure::Timeout}));
  EXPECT_EQ(terms.ejection->consecutive, 2u);
  EXPECT_EQ(terms.ejection->failurePercent, 40u);
  EXPECT_EQ(terms.ejection->leastExchanges, 7u);
  EXPECT_EQ(terms.ejection->interval, seconds(4));
  EXPECT_EQ(terms.ejection->base, seconds(2));
  EXPECT_EQ(terms.ejection->most, seconds(8));
  EXPECT_EQ(terms.ejection->maxPercent, 60u);
  EXPECT_TRUE(terms.ejection->simulated);
  EXPECT_EQ(terms.budget->ratio, 0.3);
  EXPECT_EQ(terms.budget->minPerSecond, 4u);
  EXPECT_EQ(terms.budget->window, seconds(5));
}

TEST(ClusterTermsTest, QuestionsInGrpcAreRefusedByName) {
  const auto settings = good<BalancingSettings>(R"({"health": {"kind": "grpc"}})");
  const auto terms = clusterTerms({.balancing = settings}, "");
  ASSERT_FALSE(terms);
  EXPECT_EQ(terms.error().code, ErrorCode::Unsupported);
  EXPECT_NE(terms.error().context.find("health.kind grpc"), std::string::npos);
}

TEST(ClusterTermsTest, SubsetsAreThoseOfBalancingAndOfRoutes) {
  const auto routing = good<RoutingSettings>(R"({"rules": [
      {"name": "a", "match": {"paths": ["/a"]}, "to": [{"labels": {"version": "v1"}, "weight": 9}, {"labels": {"version": "v2"}}]},
      {"name": "b", "to": [{"labels": {"version": "v2"}}, {"service": "other", "labels": {"version": "v3"}},
                           {"service": "other"}]}]})");
  const upstream::Labels v1{{"version", "v1"}};
  const upstream::Labels v2{{"version", "v2"}};
  const upstream::Labels v3{{"version", "v3"}};
  EXPECT_EQ(labelsRouted(routing, "shop", "shop"), (std::vector{v1, v2}));
  EXPECT_EQ(labelsRouted(routing, "shop", "other"), std::vector{v3});
  EXPECT_TRUE(labelsRouted(routing, "other", "shop").empty());
  const auto balancing =
      good<BalancingSettings>(R"({"subsets": [{"name": "new", "labels": {"version": "v2"}, "algorithm": "random"}]})");
  const auto terms = termsOf({.balancing = balancing, .routed = labelsRouted(routing, "shop", "shop")});
  ASSERT_EQ(terms.subsets.size(), 2u);
  EXPECT_EQ(terms.subsets[0].labels, v2);
  EXPECT_EQ(terms.subsets[0].algorithm, upstream::Algorithm::Random);
  EXPECT_EQ(terms.subsets[1].labels, v1);
  EXPECT_FALSE(terms.subsets[1].algorithm);
}

class PickKeyTest : public testing::Test {
 protected:
  const std::vector<http::HeaderField> fields{{"Host", "shop"}, {"X-User", "ada"}, {"Cookie", "a=1; session=s9"}};
  filter::ExchangeView view() const {
    filter::ExchangeView of;
    of.client = *SocketAddress::parse("10.1.2.3:4000");
    of.path = "/search?q=tea&user=bob";
    of.headers = fields;
    return of;
  }
  static std::optional<std::uint64_t> hashOf(std::string_view text) { return upstream::PickKey::of(text).hash(); }
};

TEST_F(PickKeyTest, IsWhatTheSettingsName) {
  using By = HashKey::By;
  EXPECT_EQ(pickKey({By::Header, "x-user"}, view()).hash(), hashOf("ada"));
  EXPECT_EQ(pickKey({By::Header, "X-USER"}, view()).hash(), hashOf("ada"));
  EXPECT_EQ(pickKey({By::Cookie, "session"}, view()).hash(), hashOf("s9"));
  EXPECT_EQ(pickKey({By::Query, "user"}, view()).hash(), hashOf("bob"));
}

TEST_F(PickKeyTest, OfASourceItIsTheAddressWithoutThePort) {
  filter::ExchangeView later = view();
  later.client.port = 4001;
  filter::ExchangeView other = view();
  other.client = *SocketAddress::parse("10.1.2.4:4000");
  const HashKey source;
  EXPECT_TRUE(pickKey(source, view()).hash());
  EXPECT_EQ(pickKey(source, view()).hash(), pickKey(source, later).hash());
  EXPECT_NE(pickKey(source, view()).hash(), pickKey(source, other).hash());
}

TEST_F(PickKeyTest, WhatIsNotThereIsNoKey) {
  using By = HashKey::By;
  EXPECT_FALSE(pickKey({By::Header, "x-tenant"}, view()).hash());
  EXPECT_FALSE(pickKey({By::Cookie, "b"}, view()).hash());
  EXPECT_FALSE(pickKey({By::Query, "use"}, view()).hash());
}

TEST(ClusterTermsTest, MakeAClusterThatActsByThem) {
  test::FakeClock clock;
  upstream::EndpointStates states;
  upstream::Dice dice(1);
  const auto settings = good<BalancingSettings>(R"({"algorithm": "maglev", "hash": {"by": "header", "name": "x"}})");
  const auto breaking = good<CircuitBreakingSettings>(R"({"ejection": {"consecutive": 1, "max_percent": 50}})");
  std::vector<upstream::Endpoint> endpoints;
  for (const char* address : {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}) {
    endpoints.push_back({.address = *SocketAddress::parse(address)});
  }
  const upstream::Cluster cluster("shop", termsOf({.balancing = settings, .circuitBreaking = breaking}), endpoints,
                                  states, dice, clock.now());
  const auto key = upstream::PickKey::of("ada");
  const auto first = cluster.all().pick(key, dice, clock.now());
  ASSERT_TRUE(first);
  EXPECT_EQ(cluster.all().pick(key, dice, clock.now()), first);
  cluster.all().begin(*first, clock.now()).failed(clock.now(), upstream::Failure::ConnectFailure);
  EXPECT_NE(cluster.all().pick(key, dice, clock.now()), first);
}

}  // namespace
}  // namespace loam::filters
