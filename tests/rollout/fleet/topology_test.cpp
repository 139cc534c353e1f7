#include "rollout/fleet/topology.h"

#include <gtest/gtest.h>

namespace loam::fleet {
namespace {

graph::Edge edge(const std::string& target, const std::string& protocol, std::uint64_t connections,
                 std::vector<std::string> proxies) {
  graph::Edge made;
  made.source = "web";
  made.target = target;
  made.protocol = protocol;
  made.counts.connections = connections;
  made.proxies = std::move(proxies);
  return made;
}

graph::Node node(const std::string& name, std::vector<std::string> addresses) {
  graph::Node made;
  made.name = name;
  made.kind = "service";
  made.addresses = std::move(addresses);
  return made;
}

TEST(TopologyTest, KnowsWhoServesWhereAndWhoCarriesWhat) {
  graph::Graph graph;
  graph.nodes = {node("cart", {"10.0.0.2:80", "10.0.0.1:80", "10.0.0.9"}), node("web", {"10.0.0.9"})};
  graph.edges = {edge("cart", "http1", 5, {"p1", "p2"})};
  const Topology topology = topologyOf(graph);
  ASSERT_EQ(topology.services.size(), 1u);  // web only calls
  EXPECT_EQ(topology.services.at("cart").endpoints,
            (std::vector{*SocketAddress::parse("10.0.0.1:80"), *SocketAddress::parse("10.0.0.2:80")}));
  EXPECT_EQ(topology.carried.at("p1"), std::set<std::string>{"cart"});
  EXPECT_EQ(topology.serviceAt(*SocketAddress::parse("10.0.0.2:80")), "cart");
  EXPECT_FALSE(topology.serviceAt(*SocketAddress::parse("10.0.0.2:81")));
}

using Callers = std::vector<wire::Caller>;

TEST(TopologyTest, KnowsWhoCallsFromWhere) {
  graph::Graph graph;
  graph.nodes = {node("cart", {"10.0.0.1:80", "10.0.0.1"}), node("web", {"10.0.0.9", "10.0.0.10", "10.0.0.9:80"}),
                 node("db", {"10.0.0.3:5432"})};
  graph.edges = {edge("cart", "http1", 5, {"p1"}), edge("cart", "http2", 5, {"p1"}), edge("db", "postgres", 1, {})};
  graph.edges[2].source = "cart";
  const Topology topology = topologyOf(graph);
  EXPECT_EQ(topology.services.at("cart").callers,
            (Callers{{"web", {*IpAddress::parse("10.0.0.9"), *IpAddress::parse("10.0.0.10")}}}));
  EXPECT_EQ(topology.services.at("db").callers, (Callers{{"cart", {*IpAddress::parse("10.0.0.1")}}}));
  EXPECT_TRUE(topology.services.at("web").callers.empty());
}

TEST(TopologyTest, LeavesOutCallersWhomNoAddressMakesKnown) {
  graph::Graph graph;
  graph.nodes = {node("cart", {"10.0.0.1:80"}),           node("10.4.9.0/24", {"10.4.9.0"}),
                 node("near", {"127.0.0.1", "::1"}),      node("link", {"fe80::7"}),
                 node("both", {"127.0.0.1", "10.0.0.7"}), node("other", {})};
  graph.nodes[1].kind = "aggregate";
  for (const char* source : {"10.4.9.0/24", "near", "link", "both", "other", "unlisted"}) {
    graph.edges.push_back(edge("cart", "http1", 5, {}));
    graph.edges.back().source = source;
  }
  EXPECT_EQ(topologyOf(graph).services.at("cart").callers, (Callers{{"both", {*IpAddress::parse("10.0.0.7")}}}));
}

TEST(TopologyTest, TakesOverWhoStandsAtWhichInstance) {
  graph::Graph graph;
  graph.nodes = {node("cart", {"10.0.0.1:80"})};
  graph.nodes[0].instances = {{"10.0.0.1:80", {"p1"}}};
  EXPECT_EQ(topologyOf(graph).services.at("cart").instances, graph.nodes[0].instances);
}

TEST(TopologyTest, PinsTheProtocolOfMostConnections) {
  graph::Graph graph;
  graph.nodes = {node("cart", {"10.0.0.1:80"}), node("db", {"10.0.0.3:5432"})};
  graph.edges = {edge("cart", "http1", 5, {}), edge("cart", "http2", 50, {}), edge("cart", "tcp", 900, {}),
                 edge("db", "unknown", 9, {})};
  const Topology topology = topologyOf(graph);
  EXPECT_EQ(topology.services.at("cart").pin, (wire::ProtocolPin{"http2", 10}));
  EXPECT_FALSE(topology.services.at("db").pin);
}

TEST(TopologyTest, StaysTheSameWhileConnectionsAreAddedWithinAMagnitude) {
  const auto at = [](std::uint64_t connections) {
    graph::Graph graph;
    graph.nodes = {node("cart", {"10.0.0.1:80"})};
    graph.edges = {edge("cart", "http1", connections, {"p1"})};
    return topologyOf(graph);
  };
  EXPECT_EQ(at(100), at(999));
  EXPECT_EQ(at(999).services.at("cart").pin->samples, 100u);
  EXPECT_EQ(at(1000).services.at("cart").pin->samples, 1000u);
  EXPECT_EQ(at(1).services.at("cart").pin->samples, 1u);
}

}  // namespace
}  // namespace loam::fleet
