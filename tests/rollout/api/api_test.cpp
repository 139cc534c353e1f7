#include "rollout/api/api.h"

#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

#include <set>

#include "tests/rollout/api/api_fixture.h"

namespace loam::api {
namespace {

using ApiTest = ControllerFixture;

TEST_F(ApiTest, AReportIsInTheGraphAndCountedOnce) {
  EXPECT_EQ(post("/v1/reports", wire::encode(report(1))).body, "{\"counted\":true}\n");
  EXPECT_EQ(post("/v1/reports", wire::encode(report(1))).body, "{\"counted\":false}\n");
  EXPECT_EQ(post("/v1/reports", wire::encode(report(2))).body, "{\"counted\":true}\n");
  const Json::Value graph = json("/v1/graph?from=-5m");
  ASSERT_EQ(graph["edges"].size(), 1u);
  const Json::Value& edge = graph["edges"][0];
  EXPECT_EQ(edge["source"].asString(), "frontend");
  EXPECT_EQ(edge["target"].asString(), "checkout.shop");
  EXPECT_EQ(edge["requests"].asUInt64(), 20u);
  EXPECT_EQ(edge["errors"].asUInt64(), 2u);
  EXPECT_EQ(edge["port"].asUInt(), 80u);
  EXPECT_TRUE(graph["header"].isObject());
}

TEST_F(ApiTest, ARestartKeepsTheRecord) {
  post("/v1/reports", wire::encode(report(1)));
  stop();
  start();
  EXPECT_EQ(json("/v1/edges?from=-5m")["edges"].size(), 1u);
  EXPECT_EQ(post("/v1/reports", wire::encode(report(1))).body, "{\"counted\":false}\n");
}

TEST_F(ApiTest, ServicesHaveTheirCallersAndCallees) {
  post("/v1/reports", wire::encode(report(1)));
  const Json::Value list = json("/v1/services?from=-5m");
  ASSERT_EQ(list["services"].size(), 2u);
  EXPECT_EQ(list["services"][0]["name"].asString(), "checkout.shop");
  EXPECT_EQ(list["services"][0]["inbound"]["requests"].asUInt64(), 10u);
  EXPECT_EQ(list["services"][1]["outbound"]["edges"].asUInt64(), 1u);
  const Json::Value one = json("/v1/services/checkout.shop?from=-5m");
  ASSERT_EQ(one["callers"].size(), 1u);
  EXPECT_EQ(one["callees"].size(), 0u);
  EXPECT_EQ(one["callers"][0]["source"].asString(), "frontend");
  EXPECT_NEAR(one["service"]["inbound"]["p50_ms"].asDouble(), 5, 0.7);
}

TEST_F(ApiTest, UnknownNamesGetTheNearestOnes) {
  post("/v1/reports", wire::encode(report(1)));
  for (const char* target : {"/v1/services/chekout.shop?from=-5m", "/v1/graph?from=-5m&focus=chekout.shop"}) {
    const auto response = get(target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_EQ(response.contentType, "application/problem+json");
    const auto body = parseJson(response.body);
    ASSERT_TRUE(body);
    EXPECT_EQ((*body)["suggestions"][0].asString(), "checkout.shop") << response.body;
  }
}

TEST_F(ApiTest, AnOperatorsNameWins) {
  post("/v1/reports", wire::encode(report(1)));
  const auto response = put("/v1/nodes/10.0.0.2%3A80/name", R"({"name":"pay"})");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(json("/v1/graph?from=-5m")["edges"][0]["target"].asString(), "pay");
  const Json::Value event = json("/v1/audit?kind=node_name")["events"][0];
  EXPECT_EQ(event["act"]["verb"].asString(), "node.name") << writeJson(event);
  EXPECT_EQ(event["key"].asString(), "10.0.0.2:80");
  EXPECT_EQ(put("/v1/nodes/nobody/name", R"({"name":"x"})").status, 404);
  EXPECT_EQ(put("/v1/nodes/10.0.0.2/name", R"({"nmae":"x"})").status, 400);
  EXPECT_EQ(put("/v1/nodes/10.0.0.2/name", R"({"name":"\u0007"})").status, 400);
}

TEST_F(ApiTest, ExportsComeInEveryForm) {
  post("/v1/reports", wire::encode(report(1)));
  for (const char* format : {"json", "dot", "mermaid", "graphml", "cytoscape", "csv", "ndjson", "openmetrics"}) {
    const auto response = get(std::string("/v1/graph/export?from=-5m&format=") + format);
    EXPECT_EQ(response.status, 200) << format << response.body;
    EXPECT_NE(response.body.find("checkout.shop"), std::string::npos) << format;
  }
  const auto unknown = get("/v1/graph/export?format=svg");
  EXPECT_EQ(unknown.status / 100, 4);
  EXPECT_NE(unknown.body.find("openmetrics"), std::string::npos) << unknown.body;
}

TEST_F(ApiTest, DiffNamesWhatIsNew) {
  post("/v1/reports", wire::encode(report(1)));
  const Json::Value diff = json("/v1/graph/diff?from_a=-2h&to_a=-1h&from_b=-5m&to_b=now");
  ASSERT_EQ(diff["differences"].size(), 1u) << writeJson(diff);
  EXPECT_EQ(diff["differences"][0]["kind"].asString(), "NEW");
  EXPECT_EQ(get("/v1/graph/diff?from_a=-2h").status, 400);
}

TEST_F(ApiTest, E7_ReportsThatAreNoneAreRefusedWhole) {
  EXPECT_EQ(post("/v1/reports", "{").status, 400);
  EXPECT_EQ(post("/v1/reports", R"({"proxy":"a","proxy":"b"})").status, 400);
  EXPECT_EQ(post("/v1/reports", std::string(100'000, '[')).status, 400);
  EXPECT_EQ(post("/v1/reports", std::string(wire::kMostReportBytes + 1, ' ')).status, 413);
  EXPECT_EQ(put("/v1/nodes/a/name", std::string(1024 * 1024 + 1, ' ')).status, 413);
  auto impossible = report(1);
  impossible.to = impossible.from - 1000;
  EXPECT_EQ(post("/v1/reports", wire::encode(impossible)).status, 400);
  EXPECT_EQ(json("/v1/edges?from=-5m")["edges"].size(), 0u);
}

TEST_F(ApiTest, AMegabyteReportIsTaken) {
  auto large = report(1);
  for (int i = 0; i < 4000; ++i) {
    auto edge = large.edges[0];
    edge.destination.port = static_cast<std::uint16_t>(1000 + i);
    large.edges.push_back(edge);
  }
  const std::string body = wire::encode(large);
  ASSERT_GT(body.size(), std::size_t{1024 * 1024});
  EXPECT_EQ(post("/v1/reports", body).body, "{\"counted\":true}\n");
}

TEST_F(ApiTest, E2_ABrowserCannotBeTalkedIntoWriting) {
  const std::string body = wire::encode(report(1));
  EXPECT_EQ(send({.method = "POST", .target = "/v1/reports", .headers = {{"Content-Type", "text/plain"}}, .body = body})
                .status,
            415);
  EXPECT_EQ(send({.method = "POST",
                  .target = "/v1/reports",
                  .headers = {{"Content-Type", "application/json"}, {"Origin", "http://evil.example"}},
                  .body = body})
                .status,
            403);
}

TEST_F(ApiTest, WrongParametersAreNamed) {
  for (const char* target :
       {"/v1/graph?form=-5m", "/v1/graph?from=yesterday", "/v1/graph?from=now&to=-5m", "/v1/graph?depth=-1",
        "/v1/graph?min_rate=x", "/v1/graph?collapse=pod", "/v1/services/a?depth=2", "/v1/graph?routes=maybe"}) {
    const auto response = get(target);
    EXPECT_EQ(response.status, 400) << target << response.body;
    EXPECT_NE(response.body.find("\"detail\""), std::string::npos) << target;
  }
  EXPECT_NE(get("/v1/graph?form=-5m").body.find("did you mean from?"), std::string::npos);
}

TEST_F(ApiTest, E5_NamesAreNeverSql) {
  post("/v1/reports", wire::encode(report(1)));
  for (const std::string wanted : {"' OR 1=1 --", "%", "_", "\";DROP TABLE nodes"}) {
    EXPECT_EQ(get("/v1/services/" + http::percentEncode(wanted)).status, 404) << wanted;
  }
  EXPECT_EQ(json("/v1/edges?from=-5m")["edges"].size(), 1u);
}

TEST_F(ApiTest, UnknownPathsAndMethodsAreTold) {
  EXPECT_EQ(get("/v1/nothing").status, 404);
  EXPECT_EQ(get("/v1/services/..%2f..%2fetc%2fpasswd").status, 404);
  const auto wrong = post("/v1/graph", "{}");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("allow"), "GET, HEAD");
  EXPECT_EQ(send({.method = "HEAD", .target = "/v1/graph"}).status, 200);
}

TEST_F(ApiTest, HealthReadinessAndMetrics) {
  EXPECT_EQ(json("/healthz")["status"].asString(), "ok");
  EXPECT_EQ(json("/readyz")["status"].asString(), "ready");
  post("/v1/reports", wire::encode(report(1)));
  post("/v1/reports", wire::encode(report(1)));
  post("/v1/reports", "{}");
  const std::string text = get("/metrics").body;
  EXPECT_NE(text.find("loam_controller_reports_total{result=\"counted\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("loam_controller_reports_total{result=\"duplicate\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("loam_controller_proxy_silence_seconds{proxy=\"web-1\"}"), std::string::npos) << text;
  EXPECT_NE(text.find("# TYPE loam_controller_database_bytes gauge"), std::string::npos) << text;
}

TEST_F(ApiTest, ProxiesAreListedWithTheirLosses) {
  auto lossy = report(1);
  lossy.losses.records = 5;
  post("/v1/reports", wire::encode(lossy));
  const Json::Value list = json("/v1/proxies");
  ASSERT_EQ(list["proxies"].size(), 1u);
  EXPECT_EQ(list["proxies"][0]["name"].asString(), "web-1");
  EXPECT_GE(list["proxies"][0]["silent_seconds"].asInt64(), 0);
}

TEST_F(ApiTest, TheSocketIsForOwnerAndGroup) {
  struct stat facts {};
  ASSERT_EQ(::stat(settings.socket.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0660u);
}

TEST_F(ApiTest, F8_ASecondControllerOnTheFileIsRefused) {
  const auto second = db::openGraphStore(settings.database);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  EXPECT_NE(second.error().context.find("graph.db"), std::string::npos) << second.error().context;
}

TEST_F(ApiTest, E4_TheTcpPortGoesByTheNamesOfThisHostAlone) {
  EXPECT_TRUE(isLoopbackHost("localhost"));
  EXPECT_TRUE(isLoopbackHost("127.0.0.1:7400"));
  EXPECT_TRUE(isLoopbackHost("[::1]:7400"));
  EXPECT_TRUE(isLoopbackHost("[::1]"));
  EXPECT_FALSE(isLoopbackHost("evil.example:7400"));
  EXPECT_FALSE(isLoopbackHost("127.0.0.1.evil.example"));
  EXPECT_FALSE(isLoopbackHost(""));
}

TEST_F(ApiTest, TheOpenApiFileNamesEveryRouteAndNoOther) {
  stop();
  settings.agents = *SocketAddress::parse("127.0.0.1:0");
  start();
  std::set<std::string> written;
  const YAML::Node paths = YAML::LoadFile(LOAM_SOURCE_DIR "/docs/openapi.yaml")["paths"];
  for (const auto& path : paths) {
    for (const auto& method : path.second) {
      std::string name = method.first.as<std::string>();
      if (name == "parameters") continue;
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
      written.insert(name + " " + path.first.as<std::string>());
    }
  }
  std::set<std::string> served_;
  for (const Router* router : {&served->router(), &served->agentRouter()}) {
    for (const Router::Declared& route : router->routes()) served_.insert(route.method + " " + route.pattern);
  }
  EXPECT_EQ(written, served_);
}

}  // namespace
}  // namespace loam::api
