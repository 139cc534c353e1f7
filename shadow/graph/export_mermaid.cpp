#include <algorithm>
#include <map>

#include "shadow/graph/export_text.h"
#include "shadow/graph/exports.h"
#include "shadow/graph/focus.h"

namespace loam::graph {

namespace {

// What a browser's Mermaid refuses by default: maxEdges and maxTextSize.
constexpr std::size_t kMostEdges = 500;
constexpr std::size_t kMostCharacters = 50'000;
constexpr std::size_t kLongestName = 80;

/// Text inside a quoted Mermaid label: everything with a meaning there becomes an entity, which Mermaid spells #NN;.
std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\"#;<>&`|[]{}()\\\n\r").find(c) != std::string_view::npos) {
      out += "#" + std::to_string(static_cast<int>(c)) + ";";
    } else {
      out += c;
    }
  }
  return "\"" + out + "\"";
}

std::string shortened(const std::string& name) {
  if (name.size() <= kLongestName) return name;
  std::size_t end = kLongestName;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end) + "...";
}

std::string draw(const Graph& graph, const std::string& note) {
  std::string out;
  // A leading %%{ would be a directive.
  for (const std::string& line : headerLines(graph.header))
    out += "%% " + replaceEach(line, "\n\r{}<", {" ", " ", "(", ")", "("}) + "\n";
  if (!note.empty()) out += "%% " + note + "\n";
  out += "flowchart LR\n";
  std::map<std::string, std::string> ids;
  for (const Node& node : graph.nodes) {
    const std::string id = "n" + std::to_string(ids.size() + 1);
    ids[node.name] = id;
    out += "  " + id + "[" + quoted(shortened(node.name)) + "]\n";
  }
  for (const Edge& edge : graph.edges) {
    out += "  " + ids[edge.source] + (edge.captured ? " -->|" : " -.->|") +
           quoted(edgeLabel(edge, graph.header.window)) + "| " + ids[edge.target] + "\n";
  }
  return out;
}

}  // namespace

std::string exportMermaid(const Graph& graph) {
  if (graph.edges.size() <= kMostEdges) {
    std::string whole = draw(graph, "");
    if (whole.size() <= kMostCharacters) return whole;
  }
  // Fewer and fewer nodes, the others folded into "other", until it fits.
  for (std::size_t most = std::max<std::size_t>(graph.nodes.size() / 2, 2);; most = most * 2 / 3) {
    Graph folded = foldNodes(graph, std::max<std::size_t>(most, 1));
    std::string text =
        draw(folded, "collapsed to " + std::to_string(folded.nodes.size()) + " of " +
                         std::to_string(graph.nodes.size()) + " nodes: Mermaid draws at most " +
                         std::to_string(kMostEdges) + " edges and " + std::to_string(kMostCharacters) + " characters");
    if ((folded.edges.size() <= kMostEdges && text.size() <= kMostCharacters) || most <= 1) return text;
  }
}

}  // namespace loam::graph
