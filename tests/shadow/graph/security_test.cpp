#include "shadow/graph/security.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "proxy/base/json.h"
#include "shadow/graph/diff.h"
#include "shadow/graph/exports.h"
#include "shadow/graph/focus.h"
#include "shadow/graph/json_view.h"
#include "shadow/graph/names.h"
#include "tests/shadow/graph/sample.h"

namespace loam::graph {
namespace {

constexpr Window kWindow{1000, 2000};
constexpr const char* kCaller = "spiffe://loam/proxy/caller";
constexpr const char* kCallee = "spiffe://loam/proxy/callee";

struct Seen {
  const char* vantage;
  const char* security;
  std::uint64_t connections = 0;
  const char* identity = "";
  std::uint64_t failed = 0;
  std::uint64_t denied = 0;
  std::int64_t last = 1900;
};

FlowSum row(const Seen& seen, const char* client = "10.0.0.1") {
  static std::int64_t id = 0;
  FlowSum sum;
  sum.flow.id = ++id;
  sum.flow.client = *IpAddress::parse(client);
  sum.flow.destination = *SocketAddress::parse("10.0.0.2:80");
  sum.flow.protocol = "http1";
  sum.flow.vantage = seen.vantage;
  sum.flow.captured = sum.flow.vantage != "inventory";
  sum.flow.proxy = sum.flow.vantage == "inbound" ? "callee" : "caller";
  sum.flow.security = seen.security;
  sum.flow.identity = seen.identity;
  sum.flow.firstSeen = 1000;
  sum.flow.lastSeen = seen.last;
  sum.tally.counts.connections = seen.connections;
  sum.tally.counts.failedConnections = seen.failed;
  sum.tally.counts.denied = seen.denied;
  sum.tally.counts.bytesSent = 1;
  return sum;
}

Edge edgeFrom(std::vector<FlowSum> rows) {
  std::vector<ProxyState> proxies(2);
  proxies[0].name = "callee";
  proxies[1].name = "caller";
  for (ProxyState& proxy : proxies) proxy.covered = {{kWindow.from * 1000, kWindow.to * 1000}};
  const Names names({}, {}, kWindow);
  auto flows = Merger(std::move(rows), proxies, kWindow).finish();
  const Graph graph = assemble(std::move(flows), names, Collapse::Service, kWindow);
  EXPECT_EQ(graph.edges.size(), 1u);
  return graph.edges.front();
}

std::string identities(const Edge& edge) {
  std::string text;
  for (const PeerIdentity& peer : edge.security.identities)
    text += peer.side + " " + peer.identity.substr(peer.identity.rfind('/') + 1) + "=" +
            std::to_string(peer.connections) + " ";
  return text;
}

TEST(EdgeSecurityTest, SharesReasonsAndIdentitiesFallOutOfTheFlows) {
  const Edge edge =
      edgeFrom({row({.vantage = "outbound", .security = "mutual", .connections = 90, .identity = kCallee}),
                row({.vantage = "outbound", .security = "unprobed", .connections = 3, .last = 1200}),
                row({.vantage = "outbound", .security = "not_chosen", .connections = 7, .last = 1300}),
                row({.vantage = "outbound", .security = "local", .connections = 11}),
                row({.vantage = "outbound", .security = "", .connections = 4, .failed = 4, .denied = 2})});
  const EdgeSecurity& security = edge.security;
  EXPECT_EQ(security.mutual, 90u);
  EXPECT_EQ(security.plaintext, 10u);
  EXPECT_EQ(security.local, 11u);
  EXPECT_EQ(security.unasked, 0u) << "what was refused was never secured";
  EXPECT_EQ(edge.counts.denied, 2u);
  EXPECT_EQ(edge.counts.connections, 115u);
  EXPECT_EQ(reasonsText(security), "not_chosen=7 unprobed=3");
  EXPECT_EQ(security.reasons[1].lastSeen, 1200);
  EXPECT_EQ(identities(edge), "callee callee=90 ");
  EXPECT_EQ(stateOf(security), "partial");
  EXPECT_EQ(*mutualShare(security), 0.9);
  EXPECT_EQ(securityText(edge), "90% mutual, not_chosen, 2 denied");
}

TEST(EdgeSecurityTest, TwoEndsAgreeAndAreNeverAddedUp) {
  const Edge edge =
      edgeFrom({row({.vantage = "outbound", .security = "mutual", .connections = 50, .identity = kCallee}),
                row({.vantage = "outbound", .security = "not_chosen", .connections = 5}),
                row({.vantage = "inbound", .security = "mutual", .connections = 50, .identity = kCaller}),
                row({.vantage = "inbound", .security = "unprobed", .connections = 5})});
  EXPECT_EQ(edge.security.mutual, 50u);
  EXPECT_EQ(reasonsText(edge.security), "not_chosen=5") << "the caller knows why";
  EXPECT_EQ(identities(edge), "caller caller=50 callee callee=50 ");
  EXPECT_EQ(edge.seenBy, (std::vector<std::string>{"inbound", "outbound"}));
}

TEST(EdgeSecurityTest, PlaintextThatOnlyTheCalleeSawIsOfACallerWithoutAProxy) {
  EXPECT_EQ(reasonsText(edgeFrom({row({.vantage = "inbound", .security = "unprobed", .connections = 5}),
                                  row({.vantage = "inbound", .security = "own_tls", .connections = 2})})
                            .security),
            "caller_without_proxy=5 own_tls=2");
  // The client's host has a proxy, which saw it call somebody else: this connection went past it.
  FlowSum elsewhere = row({.vantage = "outbound", .security = "", .connections = 1});
  elsewhere.flow.protocol = "redis";
  elsewhere.flow.destination = *SocketAddress::parse("10.0.0.3:6379");
  std::vector<ProxyState> proxies(1);
  proxies[0].name = "callee";
  const Names names({}, {}, kWindow);
  const Graph graph = assemble(
      Merger({row({.vantage = "inbound", .security = "unprobed", .connections = 5}), elsewhere}, proxies, kWindow)
          .finish(),
      names, Collapse::Service, kWindow);
  ASSERT_EQ(graph.edges.size(), 2u);
  EXPECT_EQ(reasonsText(graph.edges[0].security), "unprobed=5");
}

TEST(EdgeSecurityTest, DenialsOfBothEndsAreAddedUpSinceEachIsOneProxysAlone) {
  const Edge edge =
      edgeFrom({row({.vantage = "outbound", .security = "", .connections = 20, .failed = 3, .denied = 3}),
                row({.vantage = "inbound", .security = "", .connections = 17, .failed = 5, .denied = 5})});
  EXPECT_EQ(edge.counts.denied, 8u);
  EXPECT_EQ(edge.counts.connections, 20u);
  EXPECT_EQ(securityText(edge), "8 denied");
}

TEST(EdgeSecurityTest, ALongConnectionShowsItsStateThoughNoneOpened) {
  const Edge mutual = edgeFrom({row({.vantage = "outbound", .security = "mutual", .identity = kCallee})});
  EXPECT_EQ(stateOf(mutual.security), "mutual");
  EXPECT_EQ(mutualShare(mutual.security), std::nullopt);
  EXPECT_EQ(identities(mutual), "callee callee=0 ");
  EXPECT_EQ(stateOf(edgeFrom({row({.vantage = "outbound", .security = "ready"})}).security), "plaintext");
  EXPECT_EQ(stateOf(edgeFrom({row({.vantage = "outbound", .security = "local"})}).security), "local");
}

TEST(EdgeSecurityTest, WhereNobodyAskedThereIsNothingToSay) {
  const Edge edge = edgeFrom({row({.vantage = "outbound", .security = "", .connections = 5})});
  EXPECT_FALSE(hasSecurity(edge));
  EXPECT_EQ(edge.security.unasked, 5u);
  EXPECT_FALSE(toJson(edge, kWindow).isMember("security"));
  // Asked for a part of the window: the rest of it was plaintext.
  const Edge since = edgeFrom({row({.vantage = "outbound", .security = "", .connections = 5}),
                               row({.vantage = "outbound", .security = "mutual", .connections = 15})});
  EXPECT_EQ(stateOf(since.security), "partial");
  EXPECT_EQ(*mutualShare(since.security), 0.75);
}

TEST(EdgeSecurityTest, IdentitiesOfAnEdgeAreBoundedAndTheRestIsAddedUp) {
  SecuritySum sum;
  for (std::uint64_t i = 0; i < 200; ++i) {
    MergedFlow flow;
    flow.flow.security = "mutual";
    flow.identities = {{"spiffe://loam/proxy/" + std::to_string(1000 + i), "caller", i, 1}};
    sum.add(flow);
  }
  const EdgeSecurity security = std::move(sum).finish();
  ASSERT_EQ(security.identities.size(), kMostIdentities + 1);
  EXPECT_EQ(security.identities.front().identity, "spiffe://loam/proxy/1199");
  EXPECT_EQ(security.identities.back().identity, wire::kOtherIdentity);
  EXPECT_EQ(security.identities.back().connections, 135u * 136 / 2);
}

Edge secured(const char* source, std::uint64_t mutual, std::uint64_t plaintext, std::uint64_t unasked = 0) {
  Edge edge = edgeOf(source, "db");
  edge.counts.connections = mutual + plaintext + unasked;
  edge.security.mutual = mutual;
  edge.security.sawMutual = mutual != 0;
  edge.security.plaintext = plaintext;
  edge.security.unasked = unasked;
  if (plaintext != 0) {
    edge.security.reasons = {{"no_proxy", plaintext, 1'700'000'000}};
    edge.security.lastPlaintext = 1'700'000'000;
  }
  if (mutual != 0) edge.security.identities = {{kCallee, "callee", mutual, 1'700'000'060}};
  return edge;
}

TEST(EdgeSecurityTest, FoldedEdgesKeepTheirSums) {
  const Graph graph = foldNodes(graphOf({secured("a", 6, 2), secured("b", 4, 1), secured("c", 100, 0)}), 2);
  ASSERT_EQ(graph.edges.size(), 1u);
  EXPECT_EQ(graph.edges[0].security.mutual, 110u);
  EXPECT_EQ(reasonsText(graph.edges[0].security), "no_proxy=3");
  EXPECT_EQ(identities(graph.edges[0]), "callee callee=110 ");
}

TEST(EdgeSecurityTest, EdgesAreCountedByState) {
  const Graph graph = graphOf({secured("a", 6, 0), secured("b", 6, 1), secured("c", 0, 1), secured("d", 0, 0, 5)});
  const std::map<std::string, std::size_t> expected{
      {"local", 0}, {"mutual", 1}, {"partial", 1}, {"plaintext", 1}, {"unasked", 1}};
  EXPECT_EQ(edgesByState(graph), expected);
}

TEST(EdgeSecurityTest, JsonSaysItWhole) {
  Edge edge = secured("a", 9, 1);
  edge.counts.denied = 2;
  const Json::Value value = toJson(edge, kWindow)["security"];
  EXPECT_EQ(writeJson(value),
            R"({"denied":2,"identities":[{"connections":9,"identity":"spiffe://loam/proxy/callee",)"
            R"("last_seen":"2023-11-14T22:14:20Z","side":"callee"}],"last_plaintext":"2023-11-14T22:13:20Z","local":0,)"
            R"("mutual":9,"mutual_share":0.9,"plaintext":1,"reasons":[{"connections":1,)"
            R"("last_seen":"2023-11-14T22:13:20Z","state":"no_proxy"}],"state":"partial","unasked":0})");
}

TEST(EdgeSecurityTest, EveryExportSaysIt) {
  const Graph graph = graphOf({secured("a", 9, 1)});
  for (const Export& one : exports()) {
    const std::string text = one.write(graph);
    EXPECT_NE(text.find("mutual"), std::string::npos) << one.name;
    if (one.name == "openmetrics") continue;
    EXPECT_NE(text.find("no_proxy"), std::string::npos) << one.name;
  }
  EXPECT_NE(exportCsv(graph).find(",true,partial,9,1,0,0,0,no_proxy=1,2023-11-14T22:13:20Z,"
                                  "spiffe://loam/proxy/callee\r\n"),
            std::string::npos);
  EXPECT_NE(exportDot(graph).find("1.984ms 90% mutual, no_proxy\""), std::string::npos) << exportDot(graph);
  const std::string metrics = exportOpenMetrics(graph);
  EXPECT_NE(metrics.find("loam_graph_secured_connections{client=\"a\",server=\"db\",security=\"mutual\"} 9\n"),
            std::string::npos);
  EXPECT_NE(metrics.find("loam_graph_last_plaintext_seconds{client=\"a\",server=\"db\"} 1700000000\n"),
            std::string::npos);
  const std::string xml = exportGraphml(graph);
  EXPECT_NE(xml.find("<data key=\"last_plaintext\">2023-11-14T22:13:20Z</data>"), std::string::npos);
}

std::string whatOf(const Diff& diff) {
  std::string out;
  for (const Difference& one : diff.differences) out += std::string(name(one.kind)) + " " + one.what + ";";
  return out;
}

TEST(EdgeSecurityTest, AnEdgeThatWentFromMutualBackToPlaintextIsAFinding) {
  const auto compare = [](const Edge& a, const Edge& b) { return whatOf(diff(graphOf({a}), graphOf({b}))); };
  const Edge mutual = secured("a", 10, 0);
  EXPECT_EQ(compare(mutual, mutual), "");
  EXPECT_EQ(compare(mutual, secured("a", 9, 1)), "MUTUAL_LOST mutual -> 90% mutual, no_proxy;");
  EXPECT_EQ(compare(mutual, secured("a", 0, 10)), "MUTUAL_LOST mutual -> plaintext, no_proxy;");
  EXPECT_EQ(compare(mutual, secured("a", 0, 0, 10)), "MUTUAL_LOST mutual -> nobody asks;");
  EXPECT_EQ(compare(mutual, secured("a", 0, 0)), "") << "nothing connected";
  EXPECT_EQ(compare(secured("a", 0, 10), mutual), "");
  EXPECT_EQ(compare(secured("a", 90, 10), secured("a", 30, 70)), "CHANGED mutual 90.0 % -> 30.0 %;");
  EXPECT_EQ(compare(secured("a", 0, 0, 100), secured("a", 100, 0)), "CHANGED mutual 0.000 % -> 100 %;");
  Edge denying = secured("a", 100, 0);
  denying.counts.denied = 40;
  EXPECT_EQ(compare(secured("a", 100, 0), denying), "CHANGED denied 0.000 % -> 40.0 %;");
}

}  // namespace
}  // namespace loam::graph
