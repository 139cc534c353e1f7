#include "shadow/graph/focus.h"

#include <gtest/gtest.h>

#include "tests/shadow/graph/sample.h"

namespace loam::graph {
namespace {

Graph chain() {
  return graphOf({edgeOf("a", "b"), edgeOf("b", "c"), edgeOf("c", "d", 6, "redis", 6379), edgeOf("x", "y")});
}

std::size_t edgesOf(const Filter& filter) { return cut(chain(), filter)->edges.size(); }

TEST(FocusTest, KeepsEdgesWithinTheDepth) {
  EXPECT_EQ(edgesOf({"b", 1, "", 0}), 2u);
  EXPECT_EQ(edgesOf({"b", 2, "", 0}), 3u);
  EXPECT_EQ(edgesOf({"b", 0, "", 0}), 0u);
  const Graph graph = *cut(chain(), {"b", 1, "", 0});
  EXPECT_EQ(graph.nodes.size(), 3u);
  EXPECT_EQ(graph.header.cutNodes, 3u);
  EXPECT_EQ(graph.header.cutEdges, 2u);
}

TEST(FocusTest, FiltersByProtocolAndRate) {
  EXPECT_EQ(edgesOf({"", 1, "redis", 0}), 1u);
  EXPECT_EQ(edgesOf({"", 1, "", 1}), 3u);
  EXPECT_EQ(edgesOf({}), 4u);
}

TEST(FocusTest, FindsByNameIdAndAddress) {
  const Graph graph = chain();
  EXPECT_EQ(find(graph, "c")->name, "c");
  EXPECT_EQ(find(graph, stableId({"node", "c"}))->name, "c");
  EXPECT_EQ(find(graph, "10.0.0.1")->name, "a");
  EXPECT_EQ(find(graph, "nobody"), nullptr);
  EXPECT_EQ(cut(chain(), {"nobody", 1, "", 0}).error().code, ErrorCode::NotFound);
}

TEST(FocusTest, FoldsTheQuietestNodesIntoOther) {
  std::vector<Edge> edges;
  for (int i = 0; i < 50; ++i)
    edges.push_back(edgeOf("peer-" + std::to_string(i), "shop", 100 + static_cast<std::uint64_t>(i)));
  const Graph graph = foldNodes(graphOf(edges), 10);
  EXPECT_EQ(graph.nodes.size(), 10u);
  EXPECT_EQ(find(graph, "other")->kind, "aggregate");
  EXPECT_NE(find(graph, "shop"), nullptr);
  EXPECT_NE(find(graph, "peer-49"), nullptr);
  std::uint64_t requests = 0;
  for (const Edge& edge : graph.edges) requests += edge.counts.requests;
  EXPECT_EQ(requests, 50u * 100 + 49 * 25);
  EXPECT_EQ(graph.header.cutNodes, 42u);
}

}  // namespace
}  // namespace loam::graph
