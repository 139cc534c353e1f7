#pragma once

#include <algorithm>
#include <string>

#include "shadow/graph/assemble.h"
#include "shadow/graph/model.h"

namespace loam::graph {

inline Edge edgeOf(const std::string& source, const std::string& target, std::uint64_t requests = 600,
                   const std::string& protocol = "http1", std::uint16_t port = 80) {
  Edge edge;
  edge.source = source;
  edge.target = target;
  edge.protocol = protocol;
  edge.port = port;
  edge.id = stableId({source, target, protocol, std::to_string(port)});
  edge.counts.connections = 3;
  edge.counts.requests = requests;
  edge.counts.errors = requests / 100;
  edge.counts.bytesSent = requests * 10;
  edge.counts.bytesReceived = requests * 100;
  edge.counts.latency.record(2000, requests);
  edge.p50Ms = edge.counts.latency.quantile(0.5) / 1000;
  edge.p99Ms = edge.counts.latency.quantile(0.99) / 1000;
  edge.tls = "none";
  edge.firstSeen = 1'700'000'000;
  edge.lastSeen = 1'700'000'060;
  edge.seenBy = {"inbound", "outbound"};
  edge.proxies = {"web-1"};
  return edge;
}

/// The edges and the nodes that they touch, over one minute.
inline Graph graphOf(std::vector<Edge> edges, double coverage = 1) {
  Graph graph;
  graph.header.window = {1'700'000'000, 1'700'000'060};
  graph.header.revision = 42;
  graph.header.resolution = 10;
  graph.header.coverage = {{"web-1", coverage, 1'699'999'000, 1'700'000'060, {}}};
  for (const Edge& edge : edges) {
    for (const std::string& name : {edge.source, edge.target}) {
      if (find(graph, name) != nullptr) continue;
      Node node{.id = stableId({"node", name}),
                .name = name,
                .kind = "service",
                .nameSource = "dns",
                .addresses = {"10.0.0.1"},
                .claims = {{name, "dns", 4}}};
      node.firstSeen = 1'700'000'000;
      node.lastSeen = 1'700'000'060;
      graph.nodes.push_back(std::move(node));
    }
  }
  std::sort(graph.nodes.begin(), graph.nodes.end(), [](const Node& a, const Node& b) { return a.name < b.name; });
  graph.edges = std::move(edges);
  return graph;
}

}  // namespace loam::graph
