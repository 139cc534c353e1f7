#include <array>

#include "shadow/graph/export_text.h"
#include "shadow/graph/exports.h"
#include "shadow/graph/json_view.h"
#include "shadow/graph/security.h"

namespace loam::graph {

namespace {

std::string xml(std::string_view text) {
  return replaceEach(text, "&<>\"'\n\r\t", {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#10;", "&#13;", "&#9;"});
}

struct Key {
  const char* name;
  const char* of;
  const char* type;
};

constexpr std::array<Key, 30> kKeys{{
    {"header", "graph", "string"},     {"name", "node", "string"},       {"kind", "node", "string"},
    {"name_source", "node", "string"}, {"addresses", "node", "string"},  {"protocol", "edge", "string"},
    {"port", "edge", "int"},           {"connections", "edge", "long"},  {"requests", "edge", "long"},
    {"errors", "edge", "long"},        {"bytes_sent", "edge", "long"},   {"bytes_received", "edge", "long"},
    {"p50_ms", "edge", "double"},      {"p99_ms", "edge", "double"},     {"tls", "edge", "string"},
    {"first_seen", "edge", "string"},  {"last_seen", "edge", "string"},  {"captured", "edge", "boolean"},
    {"rate", "edge", "double"},        {"seen_by", "edge", "string"},    {"label", "edge", "string"},
    {"security", "edge", "string"},    {"mutual", "edge", "long"},       {"plaintext", "edge", "long"},
    {"local", "edge", "long"},         {"unasked", "edge", "long"},      {"denied", "edge", "long"},
    {"reasons", "edge", "string"},     {"identities", "edge", "string"}, {"last_plaintext", "edge", "string"},
}};

std::string value(const char* indent, const char* key, const std::string& text) {
  return std::string(indent) + "<data key=\"" + key + "\">" + xml(text) + "</data>\n";
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : " ") + item;
  return out;
}

std::string securityElements(const Edge& edge) {
  const EdgeSecurity& security = edge.security;
  std::string out;
  const std::pair<const char*, std::string> values[] = {
      {"security", std::string(stateOf(security))},
      {"mutual", std::to_string(security.mutual)},
      {"plaintext", std::to_string(security.plaintext)},
      {"local", std::to_string(security.local)},
      {"unasked", std::to_string(security.unasked)},
      {"denied", std::to_string(edge.counts.denied)},
      {"reasons", reasonsText(security)},
      {"identities", identitiesText(security)},
  };
  for (const auto& [key, text] : values) out += value("      ", key, text);
  if (security.lastPlaintext) out += value("      ", "last_plaintext", rfc3339(*security.lastPlaintext));
  return out;
}

std::string edgeElement(const Edge& edge, const Window& window) {
  std::string out =
      "    <edge id=\"" + edge.id + "\" source=\"" + xml(edge.source) + "\" target=\"" + xml(edge.target) + "\">\n";
  const std::pair<const char*, std::string> values[] = {
      {"protocol", edge.protocol},
      {"port", std::to_string(edge.port)},
      {"connections", std::to_string(edge.counts.connections)},
      {"requests", std::to_string(edge.counts.requests)},
      {"errors", std::to_string(edge.counts.errors)},
      {"bytes_sent", std::to_string(edge.counts.bytesSent)},
      {"bytes_received", std::to_string(edge.counts.bytesReceived)},
      {"p50_ms", decimal(edge.p50Ms)},
      {"p99_ms", decimal(edge.p99Ms)},
      {"tls", edge.tls},
      {"first_seen", rfc3339(edge.firstSeen)},
      {"last_seen", rfc3339(edge.lastSeen)},
      {"captured", edge.captured ? "true" : "false"},
      {"rate", decimal(rate(edge, window))},
      {"seen_by", joined(edge.seenBy)},
      {"label", edgeLabel(edge, window)},
  };
  for (const auto& [key, text] : values) out += value("      ", key, text);
  if (hasSecurity(edge)) out += securityElements(edge);
  return out + "    </edge>\n";
}

}  // namespace

std::string exportGraphml(const Graph& graph) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n";
  for (const Key& key : kKeys) {
    out += std::string("  <key id=\"") + key.name + "\" for=\"" + key.of + "\" attr.name=\"" + key.name +
           "\" attr.type=\"" + key.type + "\"/>\n";
  }
  out += "  <graph id=\"mesh\" edgedefault=\"directed\">\n";
  std::string header;
  for (const std::string& line : headerLines(graph.header)) header += (header.empty() ? "" : "; ") + line;
  out += value("    ", "header", header);
  for (const Node& node : graph.nodes) {
    out += "    <node id=\"" + xml(node.name) + "\">\n" + value("      ", "name", node.name) +
           value("      ", "kind", node.kind) + value("      ", "name_source", node.nameSource) +
           value("      ", "addresses", joined(node.addresses)) + "    </node>\n";
  }
  for (const Edge& edge : graph.edges) out += edgeElement(edge, graph.header.window);
  return out + "  </graph>\n</graphml>\n";
}

}  // namespace loam::graph
