#include "shadow/graph/export_text.h"
#include "shadow/graph/exports.h"

namespace loam::graph {

namespace {

/// A quoted DOT string: only quote and backslash are special; a line break would be an escape of its own. '<' and '>'
/// lose their meaning in quotes, and are spelled as entities so that a page that embeds the text is safe.
std::string quoted(std::string_view text) {
  return "\"" + replaceEach(text, "\"\\\n\r<>&", {"\\\"", "\\\\", " ", " ", "&lt;", "&gt;", "&amp;"}) + "\"";
}

std::string_view shapeOf(const Node& node) {
  if (node.kind == "aggregate") return "folder";
  return node.kind == "service" ? "box" : "ellipse";
}

}  // namespace

std::string exportDot(const Graph& graph) {
  std::string out;
  for (const std::string& line : headerLines(graph.header))
    out += "// " + replaceEach(line, "\n\r<", {" ", " ", "&lt;"}) + "\n";
  out += "digraph mesh {\n  rankdir=LR;\n";
  for (const Node& node : graph.nodes) {
    out += "  " + quoted(node.name) + " [shape=" + std::string(shapeOf(node)) + ", id=\"" + node.id + "\"];\n";
  }
  for (const Edge& edge : graph.edges) {
    out += "  " + quoted(edge.source) + " -> " + quoted(edge.target) +
           " [label=" + quoted(edgeLabel(edge, graph.header.window)) + ", id=\"" + edge.id + "\"" +
           (edge.captured ? "" : ", style=dashed") + "];\n";
  }
  return out + "}\n";
}

}  // namespace loam::graph
