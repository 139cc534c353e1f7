#include "proxy/filters/routing_filter.h"

#include <algorithm>

#include "exchange_fixture.h"

namespace loam::filters {
namespace {

constexpr std::string_view kOverride =
    R"({"overrides": [{"owner": "bo", "header": "loam-developer", "value": "bo", "address": "10.8.0.5:8080",
                       "expires": "2099-01-01T00:00:00Z"}]})";
const SocketAddress kCopy = *SocketAddress::parse("10.8.0.5:8080");
const SocketAddress kSecond = *SocketAddress::parse("10.0.0.20:8080");

class RoutingFilterTest : public ExchangeFixture {
 protected:
  RoutingFilter made(const std::string& json, ExchangeShare share = {}) {
    return {good<RoutingSettings>(json), std::move(share), "cart", clusters};
  }
  /// A service that is known with one endpoint, kSecond.
  void know(const std::string& service) {
    clusters[service] = std::make_shared<const ServiceClusters>(
        service, upstream::ClusterTerms{}, std::vector<SocketAddress>{kSecond}, states, clock.now());
  }
  filter::Exchange asking(std::vector<http::HeaderField> headers = {}) {
    return exchange("GET", "/cart?id=7", std::move(headers));
  }
  /// Whether it went to the second service; it is carried in any case.
  bool goesThere(const RoutingFilter& filter, filter::Exchange one) {
    EXPECT_EQ(passes(filter, one), "server");
    const auto& asked = servers.back();
    EXPECT_TRUE(!asked || *asked == kSecond);
    return asked.has_value();
  }

  upstream::EndpointStates states;
  ClusterMap clusters;
};

TEST_F(RoutingFilterTest, AnOverrideTakesWhoNamesItAndNobodyElseOfTenThousand) {
  const RoutingFilter filter = made(std::string(kOverride));
  const std::vector<std::vector<http::HeaderField>> others = {{},
                                                              {{"loam-developer", "b"}},
                                                              {{"loam-developer", "bob"}},
                                                              {{"loam-developer", ""}},
                                                              {{"loam-developer-2", "bo"}},
                                                              {{"x-loam-developer", "bo"}},
                                                              {{"loam-developer", "Bo"}}};
  std::size_t taken = 0;
  for (std::size_t i = 0; i < 10'000; ++i) {
    const bool isHis = i % 97 == 0;
    std::vector<http::HeaderField> headers = others[i % others.size()];
    if (isHis) headers = {{"Loam-Developer", "bo"}};
    EXPECT_EQ(passes(filter, asking(std::move(headers))), "server");
    ASSERT_EQ(servers.back(), isHis ? std::optional(kCopy) : std::nullopt) << i;
    taken += isHis ? 1 : 0;
  }
  EXPECT_EQ(tally.overridden.get(), taken);
  EXPECT_EQ(forwarded, 10'000);
}

TEST_F(RoutingFilterTest, AnOverrideEndsByItself) {
  const auto settings = good<RoutingSettings>(kOverride);
  const auto mine = asking({{"loam-developer", "bo"}});
  const Wall end{seconds(settings.overrides[0].expires)};
  EXPECT_NE(overrideFor(mine, settings, end - seconds(1)), nullptr);
  EXPECT_EQ(overrideFor(mine, settings, end), nullptr);
}

TEST_F(RoutingFilterTest, ACopyThatIsGoneIsPassedBy) {
  outcomes = {{.error = ErrorCode::Refused, .reached = false}};
  EXPECT_EQ(passes(made(std::string(kOverride)), asking({{"loam-developer", "bo"}})), "server");
  ASSERT_EQ(servers.size(), 2u);
  EXPECT_EQ(servers[1], std::nullopt);
  EXPECT_EQ(tally.overriddenInVain.get(), 1u);
}

TEST_F(RoutingFilterTest, WhatReachedACopyDoesNotGoToTheServiceToo) {
  outcomes = {{.error = ErrorCode::Reset, .reached = true}};
  EXPECT_NE(passes(made(std::string(kOverride)), asking({{"loam-developer", "bo"}})), "server");
  EXPECT_EQ(servers.size(), 1u);
}

TEST_F(RoutingFilterTest, TheFirstRuleThatFitsDecides) {
  know("cart-v2");
  const RoutingFilter filter = made(R"({"rules": [
      {"name": "own", "match": {"headers": {"x-stay": "*"}}, "to": [{"weight": 1}]},
      {"name": "new", "match": {"methods": ["GET"]}, "to": [{"service": "cart-v2"}]}]})");
  EXPECT_TRUE(goesThere(filter, asking()));
  EXPECT_FALSE(goesThere(filter, asking({{"x-stay", "1"}})));
  EXPECT_FALSE(goesThere(filter, exchange("POST", "/")));
}

TEST_F(RoutingFilterTest, WeightsSplitAndAGreaterOneKeepsWhomASmallerHad) {
  know("cart-v2");
  const auto taken = [&](int weight) {
    const std::string share = std::to_string(weight);
    const std::string rest = std::to_string(100 - weight);
    const RoutingFilter filter =
        made(R"({"rules": [{"name": "canary", "to": [{"service": "cart-v2", "weight": )" + share + R"(}, {"weight": )" +
             rest + R"(}]}], "sticky": {"by": "cookie", "name": "id"}})");
    std::vector<bool> all;
    for (int i = 0; i < 10'000; ++i) {
      const std::string cookie = "a=b; id=" + std::to_string(i);
      all.push_back(goesThere(filter, asking({{"cookie", cookie}})));
    }
    return all;
  };
  const std::vector<bool> few = taken(5);
  const std::vector<bool> more = taken(20);
  EXPECT_NEAR(static_cast<double>(std::count(few.begin(), few.end(), true)), 500, 100);
  EXPECT_NEAR(static_cast<double>(std::count(more.begin(), more.end(), true)), 2000, 200);
  for (std::size_t i = 0; i < few.size(); ++i) EXPECT_TRUE(!few[i] || more[i]) << i;
}

TEST_F(RoutingFilterTest, ThePercentageIsOfTheStickyKey) {
  know("cart-v2");
  const RoutingFilter filter = made(R"({"rules": [{"name": "all", "to": [{"service": "cart-v2"}]}],
                                        "sticky": {"by": "query", "name": "id"}})",
                                    {30'000, "salt"});
  int went = 0;
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    const std::string path = "/cart?x=1&id=" + std::to_string(i);
    dice = i * 2'654'435'761u;
    const bool first = goesThere(filter, exchange("GET", path));
    dice += 77;
    EXPECT_EQ(goesThere(filter, exchange("GET", path)), first);
    went += first ? 1 : 0;
  }
  EXPECT_NEAR(went, 1500, 150);
}

TEST_F(RoutingFilterTest, ACookieOfItsOwnIsGivenOnce) {
  know("cart-v2");
  const RoutingFilter filter = made(R"({"rules": [{"name": "all", "to": [{"service": "cart-v2"}]}],
                                        "sticky": {"by": "cookie", "name": "loam-route", "life": "1d"}})");
  auto first = asking();
  EXPECT_EQ(passes(filter, first), "server");
  ASSERT_EQ(first.added.size(), 1u);
  EXPECT_EQ(first.added[0].first, "set-cookie");
  EXPECT_TRUE(first.added[0].second.starts_with("loam-route="));
  EXPECT_NE(first.added[0].second.find("; Max-Age=86400; Path=/; HttpOnly"), std::string::npos);
  const std::string given = first.added[0].second.substr(0, first.added[0].second.find(';'));
  auto second = asking({{"cookie", given}});
  EXPECT_EQ(passes(filter, second), "server");
  EXPECT_TRUE(second.added.empty());
}

TEST_F(RoutingFilterTest, AServiceThatNobodyKnowsIsSaidToBeMissing) {
  const RoutingFilter filter = made(R"({"rules": [{"name": "all", "to": [{"service": "nobody"}]}]})");
  EXPECT_EQ(passes(filter, asking()), "503 routing:no_endpoint");
  EXPECT_EQ(forwarded, 0);
}

}  // namespace
}  // namespace loam::filters
