#include <gtest/gtest.h>

#include "proxy/base/json.h"
#include "rollout/cli/passive_look.h"
#include "rollout/cli/route_deltas.h"

namespace loam::cli {
namespace {

guard::SocketFact fact(const char* local, const char* remote, const char* exe, bool listening = false) {
  guard::SocketFact out;
  out.local = *SocketAddress::parse(local);
  if (*remote != '\0') out.remote = *SocketAddress::parse(remote);
  out.exe = exe;
  out.listening = listening;
  return out;
}

TEST(PassiveLookTest, TellsCallersFromServers) {
  PassiveLook look;
  look.add({fact("0.0.0.0:80", "", "nginx", true), fact("10.0.0.2:80", "10.0.0.9:5000", "nginx"),
            fact("10.0.0.2:80", "10.0.0.9:5001", "nginx"), fact("10.0.0.2:40000", "10.0.0.7:5432", "app"),
            fact("127.0.0.1:40001", "127.0.0.1:80", "curl"), fact("127.0.0.1:80", "127.0.0.1:40001", "nginx")});
  look.add({fact("0.0.0.0:80", "", "nginx", true), fact("10.0.0.2:80", "10.0.0.9:5000", "nginx")});
  const Json::Value edges = look.edges();
  ASSERT_EQ(edges.size(), 3u) << writeJson(edges);
  const auto line = [&edges](Json::ArrayIndex i) {
    return edges[i]["source"].asString() + ">" + edges[i]["target"].asString() + ":" +
           std::to_string(edges[i]["port"].asUInt()) + " " + std::to_string(edges[i]["connections"].asUInt());
  };
  EXPECT_EQ(line(0), "10.0.0.9>nginx:80 2");
  EXPECT_EQ(line(1), "app>10.0.0.7:5432 1");
  EXPECT_EQ(line(2), "curl>nginx:80 1");
}

Json::Value edgeWith(std::uint64_t requests, std::uint64_t errors) {
  Json::Value edge(Json::objectValue);
  edge["source"] = "a";
  edge["target"] = "b";
  edge["protocol"] = "http1";
  edge["port"] = 80;
  edge["requests"] = Json::UInt64(requests);
  Json::Value route(Json::objectValue);
  route["route"] = "GET /";
  route["requests"] = Json::UInt64(requests);
  route["errors"] = Json::UInt64(errors);
  route["p50_ms"] = 4.0;
  edge["routes"].append(route);
  Json::Value edges(Json::arrayValue);
  edges.append(edge);
  return edges;
}

TEST(RouteDeltasTest, ShowsWhatIsNewAndNothingThatWentBack) {
  RouteDeltas deltas;
  deltas.take(edgeWith(10, 1));
  EXPECT_TRUE(deltas.take(edgeWith(10, 1)).empty());
  const auto more = deltas.take(edgeWith(15, 2));
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].line(), "a -> b http1/80  GET /  +5  1 error  p50 4.00 ms");
  EXPECT_TRUE(deltas.take(edgeWith(3, 0)).empty());
  EXPECT_EQ(deltas.take(edgeWith(4, 0))[0].count, 1u);
}

}  // namespace
}  // namespace loam::cli
