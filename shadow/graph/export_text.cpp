#include "shadow/graph/export_text.h"

#include <cstdio>

#include "shadow/graph/json_view.h"
#include "shadow/graph/security.h"

namespace loam::graph {

std::vector<std::string> headerLines(const Header& header) {
  std::vector<std::string> lines{
      "Loam dependency graph",
      "window: " + rfc3339(header.window.from) + " to " + rfc3339(header.window.to),
      "revision: " + std::to_string(header.revision),
      "resolution: " + std::to_string(header.resolution) + " s",
      "captured: " + decimal(header.capturedShare * 100) + " % of the known connections",
      "cut: " + std::to_string(header.cutNodes) + " nodes, " + std::to_string(header.cutEdges) + " edges"};
  for (const Coverage& coverage : header.coverage) {
    std::string line = "coverage: " + coverage.proxy + " " + decimal(coverage.share * 100) + " %";
    const wire::Losses& losses = coverage.losses;
    if (losses.records + losses.reports != 0) {
      line +=
          ", lost " + std::to_string(losses.records) + " records and " + std::to_string(losses.reports) + " reports";
    }
    lines.push_back(std::move(line));
  }
  for (const Sampled& sampled : header.sampled) {
    lines.push_back("observed: " + decimal(sampled.share * 100) + " % of the connections to " +
                    (sampled.service == "*" ? "every other service" : sampled.service));
  }
  return lines;
}

std::string edgeLabel(const Edge& edge, const Window& window) {
  std::string label = edge.protocol + " " + decimal(rate(edge, window)) + "/s";
  if (edge.counts.requests != 0) {
    label += " " +
             decimal(100.0 * static_cast<double>(edge.counts.errors) / static_cast<double>(edge.counts.requests)) +
             "% " + decimal(edge.p50Ms) + "ms";
  }
  if (edge.tls != "none") label += " " + edge.tls;
  if (const std::string security = securityText(edge); !security.empty()) label += " " + security;
  if (!edge.captured) label += " not captured";
  return label;
}

std::string decimal(double value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.3f", value);
  std::string out(text);
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out == "-0" ? "0" : out;
}

std::string safeInScript(std::string json) { return replaceEach(json, "<", {"\\u003c"}); }

std::string replaceEach(std::string_view text, std::string_view from, const std::vector<std::string_view>& to) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto at = from.find(c);
    if (at == std::string_view::npos) {
      out += c;
    } else {
      out += to[at];
    }
  }
  return out;
}

}  // namespace loam::graph
