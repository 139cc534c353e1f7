#include "proxy/filters/cluster_filter.h"

#include <map>

#include "exchange_fixture.h"

namespace loam::filters {
namespace {

/// A service with endpoints, of which the client wanted to go to 10.0.0.2:8080.
class ClusterFilterTest : public ExchangeFixture {
 protected:
  void know(const upstream::ClusterTerms& terms,
            const std::vector<std::string>& endpoints = {"10.0.0.2:8080", "10.0.0.3:8080"}) {
    std::vector<SocketAddress> addresses;
    for (const std::string& endpoint : endpoints) addresses.push_back(*SocketAddress::parse(endpoint));
    clusters = std::make_shared<const ServiceClusters>("cart", terms, addresses, states, clock.now());
  }
  ClusterFilter balancing() { return {ClusterFilter::Balancing{}, clusters}; }
  ClusterFilter breaking() { return {std::nullopt, clusters}; }
  filter::Exchange asking() {
    dice = dice * 1'664'525 + 1'013'904'223;
    return exchange("GET", "/");
  }

  upstream::EndpointStates states;
  std::shared_ptr<const ServiceClusters> clusters;
};

TEST_F(ClusterFilterTest, ExchangesAreSpreadOverTheEndpointsOfThePortThatWasWanted) {
  know({}, {"10.0.0.2:8080", "10.0.0.3:8080", "10.0.0.2:9090", "10.0.0.4:9090"});
  std::map<std::string, int> went;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(passes(balancing(), asking()), "server");
    ++went[servers.back()->text()];
  }
  ASSERT_EQ(went.size(), 2u);
  EXPECT_NEAR(went["10.0.0.2:8080"], 500, 120);
}

TEST_F(ClusterFilterTest, ARepeatGoesToAnotherEndpoint) {
  know({});
  for (int i = 0; i < 50; ++i) {
    outcomes = {{.error = ErrorCode::Reset}};
    auto one = asking();
    passes(balancing(), one);
    const auto first = servers.back();
    passes(balancing(), one);
    EXPECT_NE(servers.back(), first);
  }
}

TEST_F(ClusterFilterTest, ConnectionsOutsideTheShareGoWhereTheirClientsWanted) {
  know({});
  EXPECT_EQ(passes(ClusterFilter(ClusterFilter::Balancing{{0, "s"}}, clusters), asking()), "server");
  EXPECT_EQ(servers.back(), std::nullopt);
}

TEST_F(ClusterFilterTest, WhatARouteSentElsewhereIsNotChosenAgain) {
  know({});
  auto one = asking();
  one.server = *SocketAddress::parse("10.9.9.9:80");
  EXPECT_EQ(passes(balancing(), one), "server");
  EXPECT_EQ(*servers.back(), *SocketAddress::parse("10.9.9.9:80"));
}

TEST_F(ClusterFilterTest, ACapRefusesWhatIsOneTooManyAndFreesItsPlacesAtTheEnd) {
  upstream::ClusterTerms terms;
  terms.caps.requests = 1;
  know(terms);
  {
    auto first = asking();
    EXPECT_EQ(passes(breaking(), first), "server");
    EXPECT_EQ(passes(breaking(), asking()), "503 circuit_breaking:requests");
    EXPECT_EQ(tally.capped.get(), 1u);
    EXPECT_EQ(passes(breaking(), first), "server") << "its own repeat needs no second place";
  }
  EXPECT_EQ(passes(breaking(), asking()), "server");
}

TEST_F(ClusterFilterTest, AnEndpointThatFailsIsLeftAloneEvenWhereTheClientWantsIt) {
  upstream::ClusterTerms terms;
  terms.ejection = upstream::EjectionTerms{.consecutive = 3, .maxPercent = 50};
  know(terms);
  for (int i = 0; i < 3; ++i) {
    outcomes = {{.status = 503}};
    EXPECT_EQ(passes(breaking(), asking()), "server");
  }
  EXPECT_EQ(passes(breaking(), asking()), "503 circuit_breaking:ejected");
  EXPECT_EQ(forwarded, 3);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(passes(balancing(), asking()), "server");
    EXPECT_EQ(*servers.back(), *SocketAddress::parse("10.0.0.3:8080"));
  }
}

TEST_F(ClusterFilterTest, AClientThatLeavesSaysNothingOfTheEndpoint) {
  upstream::ClusterTerms terms;
  terms.ejection = upstream::EjectionTerms{.consecutive = 1, .maxPercent = 50};
  know(terms);
  auto one = asking();
  one.flight = clusters->at(8080)->all().begin(0, clock.now());
  noteOutcome(one, fail(ErrorCode::Closed, "gone", ErrorOrigin::Downstream));
  one.flight.end();
  EXPECT_EQ(passes(breaking(), asking()), "server");
}

}  // namespace
}  // namespace loam::filters
