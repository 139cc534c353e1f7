#include <yaml-cpp/yaml.h>

#include <chrono>
#include <set>
#include <thread>

#include "proxy/base/json.h"
#include "tests/rollout/api/api_fixture.h"

namespace loam::api {
namespace {

class EdgeSecurityApiTest : public ControllerFixture {
 protected:
  /// report(), once over mutual TLS and once past it.
  void fill() const {
    auto mutual = report(1);
    mutual.edges[0].security = "mutual";
    mutual.edges[0].identity = "spiffe://loam/proxy/db-1";
    auto plain = report(2);
    plain.edges[0].security = "handshake_failed:unknown_ca";
    plain.edges[0].buckets[0].counts.denied = 1;
    for (const wire::Report& one : {mutual, plain}) {
      const auto response = post("/v1/reports", wire::encode(one));
      EXPECT_EQ(response.status, 200) << response.body;
    }
  }
};

TEST_F(EdgeSecurityApiTest, EveryRouteThatServesEdgesSaysHowTheyAreSecured) {
  fill();
  const Json::Value edges[] = {
      json("/v1/graph?from=-5m")["edges"][0], json("/v1/edges?from=-5m")["edges"][0],
      json("/v1/services/checkout.shop?from=-5m")["callers"][0],
      json("/v1/graph/export?from=-5m&format=json")["edges"][0],
      json("/v1/graph/diff?from_a=-2h&to_a=-1h&from_b=-5m&to_b=now")["differences"][0]["after"]};
  for (const Json::Value& edge : edges) {
    const Json::Value& security = edge["security"];
    EXPECT_EQ(security["state"].asString(), "partial") << writeJson(edge);
    EXPECT_EQ(security["mutual"].asUInt64(), 2u);
    EXPECT_EQ(security["plaintext"].asUInt64(), 2u);
    EXPECT_EQ(security["denied"].asUInt64(), 1u);
    EXPECT_EQ(security["mutual_share"].asDouble(), 0.5);
    ASSERT_EQ(security["reasons"].size(), 1u);
    EXPECT_EQ(security["reasons"][0]["state"].asString(), "handshake_failed:unknown_ca");
    ASSERT_EQ(security["identities"].size(), 1u);
    EXPECT_EQ(security["identities"][0]["identity"].asString(), "spiffe://loam/proxy/db-1");
    EXPECT_EQ(security["identities"][0]["side"].asString(), "callee");
    EXPECT_TRUE(security.isMember("last_plaintext"));
    EXPECT_EQ(edge["proxies"][0].asString(), "web-1");
  }
}

TEST_F(EdgeSecurityApiTest, TheOpenApiFileHasTheMembersThatAreServed) {
  fill();
  const Json::Value edge = json("/v1/edges?from=-5m")["edges"][0];
  const YAML::Node schemas = YAML::LoadFile(LOAM_SOURCE_DIR "/docs/openapi.yaml")["components"]["schemas"];
  const auto written = [](const YAML::Node& properties) {
    std::set<std::string> names;
    for (const auto& property : properties) names.insert(property.first.as<std::string>());
    return names;
  };
  const auto sent = [](const Json::Value& value) {
    const auto names = value.getMemberNames();
    return std::set<std::string>(names.begin(), names.end());
  };
  const YAML::Node security = schemas["EdgeSecurity"]["properties"];
  EXPECT_EQ(written(schemas["Edge"]["properties"]), sent(edge));
  EXPECT_EQ(written(security), sent(edge["security"]));
  EXPECT_EQ(written(security["reasons"]["items"]["properties"]), sent(edge["security"]["reasons"][0]));
  EXPECT_EQ(written(security["identities"]["items"]["properties"]), sent(edge["security"]["identities"][0]));
}

TEST_F(EdgeSecurityApiTest, AReportWithAnImpossibleStateIsRefused) {
  auto wrong = report(1);
  wrong.edges[0].security = "quantum";
  const auto response = post("/v1/reports", wire::encode(wrong));
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("security"), std::string::npos) << response.body;
}

TEST_F(EdgeSecurityApiTest, MetricsCountEdgesByStateAndNothingFiner) {
  fill();
  stop();
  start();
  const auto has = [&](const std::string& line) { return get("/metrics").body.find(line) != std::string::npos; };
  const std::string partial = "loam_controller_edges_secured{security=\"partial\"} 1\n";
  for (int i = 0; i < 500 && !has(partial); ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_TRUE(has(partial)) << get("/metrics").body;
  for (const char* state : {"mutual", "plaintext", "local", "unasked"})
    EXPECT_TRUE(has("loam_controller_edges_secured{security=\"" + std::string(state) + "\"} 0\n")) << state;
  EXPECT_TRUE(has("loam_controller_folded_total{kind=\"identity\"} 0\n"));
  EXPECT_FALSE(has("spiffe://loam/proxy/db-1"));
}

}  // namespace
}  // namespace loam::api
