#include "shadow/graph/focus.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "shadow/graph/assemble.h"
#include "shadow/graph/json_view.h"
#include "shadow/graph/security.h"

namespace loam::graph {

namespace {

/// Names of the nodes within `depth` edges of `from`, in either direction.
std::set<std::string> neighbourhood(const Graph& graph, const std::string& from, unsigned depth) {
  std::map<std::string, std::vector<const std::string*>> next;
  for (const Edge& edge : graph.edges) {
    next[edge.source].push_back(&edge.target);
    next[edge.target].push_back(&edge.source);
  }
  std::set<std::string> reached{from};
  std::vector<std::string> edge{from};
  for (unsigned step = 0; step < depth && !edge.empty(); ++step) {
    std::vector<std::string> further;
    for (const std::string& name : edge) {
      for (const std::string* neighbour : next[name]) {
        if (reached.insert(*neighbour).second) further.push_back(*neighbour);
      }
    }
    edge = std::move(further);
  }
  return reached;
}

/// Drops the nodes that no edge touches any more, `keep` excepted.
void dropLonely(Graph& graph, const std::string& keep) {
  std::set<std::string_view> touched{keep};
  for (const Edge& edge : graph.edges) {
    touched.insert(edge.source);
    touched.insert(edge.target);
  }
  graph.header.cutNodes += std::erase_if(graph.nodes, [&](const Node& node) { return !touched.contains(node.name); });
}

void addEdge(Edge& into, const Edge& edge) {
  into.counts.merge(edge.counts);
  into.p50Ms = into.counts.latency.quantile(0.5) / 1000;
  into.p99Ms = into.counts.latency.quantile(0.99) / 1000;
  if (into.tls != edge.tls) into.tls = "partial";
  SecuritySum security;
  security.add(into.security);
  security.add(edge.security);
  into.security = std::move(security).finish();
  into.firstSeen = std::min(into.firstSeen, edge.firstSeen);
  into.lastSeen = std::max(into.lastSeen, edge.lastSeen);
  into.captured = into.captured || edge.captured;
  for (auto [all, more] : {std::pair(&into.seenBy, &edge.seenBy), std::pair(&into.proxies, &edge.proxies)}) {
    all->insert(all->end(), more->begin(), more->end());
    std::sort(all->begin(), all->end());
    all->erase(std::unique(all->begin(), all->end()), all->end());
  }
  into.routes.clear();
}

}  // namespace

Result<Collapse> parseCollapse(std::string_view text) {
  if (text.empty() || text == "service") return Collapse::Service;
  if (text == "instance") return Collapse::Instance;
  if (text == "external") return Collapse::External;
  return fail(ErrorCode::InvalidArgument,
              "collapse: expected service, instance or external, not \"" + std::string(text.substr(0, 40)) + "\"");
}

const Node* find(const Graph& graph, std::string_view nameOrId) {
  const auto named = [&](const Node& node) { return node.name == nameOrId || node.id == nameOrId; };
  auto at = std::find_if(graph.nodes.begin(), graph.nodes.end(), named);
  if (at == graph.nodes.end()) {
    at = std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
      return std::find(node.addresses.begin(), node.addresses.end(), nameOrId) != node.addresses.end();
    });
  }
  return at == graph.nodes.end() ? nullptr : &*at;
}

Result<Graph> cut(Graph graph, const Filter& filter) {
  const std::size_t edges = graph.edges.size();
  std::string focus;
  if (!filter.focus.empty()) {
    const Node* const node = find(graph, filter.focus);
    if (node == nullptr)
      return fail(ErrorCode::NotFound, "no node called \"" + filter.focus.substr(0, 128) + "\" in this window");
    focus = node->name;
  }
  std::erase_if(graph.edges, [&](const Edge& edge) {
    return (!filter.protocol.empty() && edge.protocol != filter.protocol) ||
           rate(edge, graph.header.window) < filter.minRate;
  });
  if (!focus.empty()) {
    if (filter.depth == 0) {
      graph.edges.clear();
    } else {
      const std::set<std::string> near = neighbourhood(graph, focus, filter.depth - 1);
      std::erase_if(graph.edges,
                    [&](const Edge& edge) { return !near.contains(edge.source) && !near.contains(edge.target); });
    }
  }
  graph.header.cutEdges += edges - graph.edges.size();
  if (edges != graph.edges.size() || !focus.empty()) dropLonely(graph, focus);
  return graph;
}

Graph foldNodes(Graph graph, std::size_t most) {
  if (graph.nodes.size() <= most || most == 0) return graph;
  std::map<std::string_view, std::uint64_t> weight;
  for (const Edge& edge : graph.edges) {
    const std::uint64_t busy = edge.counts.requests + edge.counts.connections;
    weight[edge.source] += busy;
    weight[edge.target] += busy;
  }
  std::vector<const Node*> order;
  for (const Node& node : graph.nodes) order.push_back(&node);
  std::sort(order.begin(), order.end(), [&](const Node* a, const Node* b) {
    return std::tuple(a->kind == "aggregate", weight[a->name], b->name) >
           std::tuple(b->kind == "aggregate", weight[b->name], a->name);
  });
  std::set<std::string> folded;
  for (std::size_t i = most - 1; i < order.size(); ++i) folded.insert(order[i]->name);
  const std::string kOther = "other";
  std::map<std::tuple<std::string, std::string, std::string, std::uint16_t>, Edge> merged;
  for (Edge& edge : graph.edges) {
    if (folded.contains(edge.source)) edge.source = kOther;
    if (folded.contains(edge.target)) edge.target = kOther;
    edge.id = stableId({edge.source, edge.target, edge.protocol, std::to_string(edge.port)});
    const auto [at, fresh] = merged.try_emplace({edge.source, edge.target, edge.protocol, edge.port}, edge);
    if (!fresh) {
      addEdge(at->second, edge);
      ++graph.header.cutEdges;
    }
  }
  graph.header.cutNodes += folded.size();
  std::erase_if(graph.nodes, [&](const Node& node) { return folded.contains(node.name) || node.name == kOther; });
  Node other{.id = stableId({"node", kOther}),
             .name = kOther,
             .kind = "aggregate",
             .nameSource = "address",
             .addresses = {},
             .claims = {}};
  graph.nodes.insert(std::lower_bound(graph.nodes.begin(), graph.nodes.end(), other,
                                      [](const Node& a, const Node& b) { return a.name < b.name; }),
                     std::move(other));
  graph.edges.clear();
  for (auto& [key, edge] : merged) graph.edges.push_back(std::move(edge));
  return graph;
}

}  // namespace loam::graph
