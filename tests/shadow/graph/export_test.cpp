#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "proxy/base/json.h"
#include "shadow/graph/exports.h"
#include "shadow/graph/json_view.h"
#include "tests/shadow/graph/sample.h"

namespace loam::graph {
namespace {

Graph example() {
  Edge redis = edgeOf("web", "cache", 60, "redis", 6379);
  redis.tls = "TLSv1.3";
  Edge stream = edgeOf("web", "feed", 0, "tcp", 9000);
  stream.captured = false;
  return graphOf({edgeOf("shop", "web"), redis, stream});
}

const std::string kHostile[] = {"a\"b",
                                "a\nb",
                                "</script><script>alert(1)</script>",
                                "=cmd()|'/C calc'!A0",
                                "a\\",
                                "a,b;c",
                                "{}%%[]|",
                                "<&>'",
                                "caf\xc3\xa9",
                                "a]]>b",
                                "-->",
                                "#quot;",
                                "a b",
                                "@SUM(1)",
                                "graph",
                                "end"};

Graph hostile() {
  std::vector<Edge> edges;
  for (const std::string& name : kHostile) edges.push_back(edgeOf(name, "target"));
  return graphOf(edges);
}

TEST(ExportTest, EveryFormIsKnownByNameAndSaysTheSameTwice) {
  EXPECT_EQ(exports().size(), 8u);
  for (const Export& one : exports()) {
    EXPECT_EQ((*findExport(one.name))->write(example()), one.write(example())) << one.name;
    EXPECT_FALSE(one.contentType.empty());
    EXPECT_FALSE(one.write(graphOf({})).empty()) << one.name;
  }
  EXPECT_NE(findExport("pdf").error().context.find("mermaid"), std::string::npos);
}

TEST(ExportTest, JsonEdgesHaveTheKeysOfTheInterface) {
  const auto value = *parseJson(exportJson(example()));
  const Json::Value& edge = value["edges"][0];
  for (const char* key : {"source", "target", "protocol", "port", "connections", "requests", "errors", "bytes_sent",
                          "bytes_received", "p50_ms", "p99_ms", "tls", "first_seen", "last_seen", "captured"}) {
    EXPECT_TRUE(edge.isMember(key)) << key;
  }
  EXPECT_EQ(edge["requests"].asUInt64(), 600u);
  EXPECT_EQ(edge["first_seen"].asString(), "2023-11-14T22:13:20Z");
  EXPECT_EQ(value["header"]["revision"].asUInt64(), 42u);
  EXPECT_EQ(value["header"]["window"]["seconds"].asInt(), 60);
}

TEST(ExportTest, DotGolden) {
  EXPECT_EQ(
      exportDot(graphOf({edgeOf("shop", "web")})),
      "// Loam dependency graph\n"
      "// window: 2023-11-14T22:13:20Z to 2023-11-14T22:14:20Z\n"
      "// revision: 42\n// resolution: 10 s\n// captured: 100 % of the known connections\n// cut: 0 nodes, 0 edges\n"
      "// coverage: web-1 100 %\n"
      "digraph mesh {\n  rankdir=LR;\n"
      "  \"shop\" [shape=box, id=\"" +
          stableId({"node", "shop"}) +
          "\"];\n"
          "  \"web\" [shape=box, id=\"" +
          stableId({"node", "web"}) +
          "\"];\n"
          "  \"shop\" -> \"web\" [label=\"http1 10/s 1% 1.984ms\", id=\"" +
          stableId({"shop", "web", "http1", "80"}) + "\"];\n}\n");
}

TEST(ExportTest, TheHeaderSaysWhatIsObservedOnlyInPart) {
  Graph graph = graphOf({edgeOf("shop", "web")});
  graph.header.sampled = {{"*", 0}, {"web", 0.125}};
  EXPECT_NE(exportDot(graph).find("// observed: 0 % of the connections to every other service\n"
                                  "// observed: 12.5 % of the connections to web\n"),
            std::string::npos);
  const Json::Value sampled = toJson(graph)["header"]["sampled"];
  ASSERT_EQ(sampled.size(), 2u);
  EXPECT_EQ(sampled[1]["service"].asString(), "web");
  EXPECT_EQ(sampled[1]["share"].asDouble(), 0.125);
}

TEST(ExportTest, CsvGolden) {
  const std::string csv = exportCsv(graphOf({edgeOf("shop", "web")}));
  EXPECT_NE(csv.find("\r\nshop,web,http1,80,3,600,6,6000,60000,"), std::string::npos) << csv;
  EXPECT_NE(csv.find(",none,2023-11-14T22:13:20Z,2023-11-14T22:14:20Z,true,,0,0,0,0,0,,,\r\n"), std::string::npos)
      << csv;
}

TEST(ExportTest, OpenMetricsSpeaksTheNamesOfServiceGraphs) {
  const std::string text = exportOpenMetrics(example());
  EXPECT_NE(text.find("traces_service_graph_request_total{client=\"shop\",server=\"web\",connection_type=\"\"} 600\n"),
            std::string::npos);
  EXPECT_NE(
      text.find(
          "traces_service_graph_request_total{client=\"web\",server=\"cache\",connection_type=\"database\"} 60\n"),
      std::string::npos);
  EXPECT_NE(
      text.find("traces_service_graph_request_failed_total{client=\"shop\",server=\"web\",connection_type=\"\"} 6\n"),
      std::string::npos);
  EXPECT_NE(text.find("traces_service_graph_request_server_seconds_bucket{client=\"shop\",server=\"web\",connection_"
                      "type=\"\",le=\"0.002\"} 600\n"),
            std::string::npos);
  EXPECT_NE(text.find("le=\"+Inf\"} 600\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
  // Each family is declared once and stands together.
  std::istringstream lines(text);
  std::string line, family;
  std::set<std::string> declared;
  while (std::getline(lines, line)) {
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(declared.insert(family).second) << family;
    } else if (line[0] != '#') {
      EXPECT_TRUE(line.starts_with(family)) << line;
    }
  }
}

TEST(ExportTest, E11_HostileNamesCannotLeaveTheirPlace) {
  const Graph graph = hostile();
  for (const Export& one : exports()) {
    const std::string text = one.write(graph);
    if (one.name != "csv" && one.name != "openmetrics") {
      EXPECT_EQ(text.find("</script"), std::string::npos) << one.name;
    }
  }
  const auto json = *parseJson(exportJson(graph));
  for (unsigned i = 0; i < graph.edges.size(); ++i)
    EXPECT_EQ(json["edges"][i]["source"].asString(), graph.edges[i].source);
  const auto cytoscape = *parseJson(exportCytoscape(graph));
  EXPECT_EQ(cytoscape["elements"]["edges"].size(), graph.edges.size());
  std::istringstream lines(exportNdjson(graph));
  std::string line;
  std::size_t count = 0;
  while (std::getline(lines, line)) {
    ASSERT_TRUE(parseJson(line)) << line;
    ++count;
  }
  EXPECT_EQ(count, graph.edges.size() + 1);
  EXPECT_NE(exportCsv(graph).find("\"'=cmd()|'/C calc'!A0\""), std::string::npos);
  EXPECT_NE(exportCsv(graph).find("'@SUM(1)"), std::string::npos);
  EXPECT_NE(exportCsv(graph).find("\"a\"\"b\""), std::string::npos);
  EXPECT_NE(exportGraphml(graph).find("a]]&gt;b"), std::string::npos);
  EXPECT_NE(exportOpenMetrics(graph).find("client=\"a\\nb\""), std::string::npos);
  // Not a line of Mermaid comes from a name.
  std::istringstream mermaid(exportMermaid(graph));
  while (std::getline(mermaid, line))
    EXPECT_TRUE(line.starts_with("%% ") || line.starts_with("  n") || line == "flowchart LR") << line;
}

TEST(ExportTest, MermaidCollapsesWhatABrowserWouldRefuseAndSaysSo) {
  std::vector<Edge> edges;
  for (int i = 0; i < 900; ++i)
    edges.push_back(edgeOf("service-" + std::to_string(1000 + i), "shop", 100 + static_cast<std::uint64_t>(i)));
  const std::string text = exportMermaid(graphOf(edges));
  EXPECT_LE(text.size(), 50'000u);
  std::size_t arrows = 0;
  for (std::size_t at = text.find("-->|"); at != std::string::npos; at = text.find("-->|", at + 1)) ++arrows;
  EXPECT_LE(arrows, 500u);
  EXPECT_NE(text.find("%% collapsed to "), std::string::npos);
  EXPECT_EQ(exportMermaid(example()).find("collapsed"), std::string::npos);
}

}  // namespace
}  // namespace loam::graph
