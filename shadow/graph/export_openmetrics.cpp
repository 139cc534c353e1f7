#include <array>
#include <functional>
#include <map>
#include <utility>

#include "shadow/graph/export_text.h"
#include "shadow/graph/exports.h"
#include "shadow/graph/security.h"

namespace loam::graph {

namespace {

// Tempo's server-side buckets, in seconds, with the finer and longer ends that a relay sees.
constexpr std::array<double, 12> kBounds{0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60};

/// OpenMetrics knows three escapes in a label's value; whatever else could break a line has no place in it.
std::string label(std::string_view text) { return replaceEach(text, "\\\"\n\r", {"\\\\", "\\\"", "\\n", "\\n"}); }

/// The words that Grafana's service graph knows.
std::string_view connectionType(const Edge& edge) {
  if (edge.protocol == "postgres" || edge.protocol == "mysql" || edge.protocol == "redis" || edge.protocol == "mongodb")
    return "database";
  if (edge.protocol == "kafka" || edge.protocol == "amqp") return "messaging_system";
  return "";
}

/// One series: the edges of one pair of services that have the same connection type (ports and protocols together).
struct Series {
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  Histogram latency;
};

using Labels = std::map<std::string, Series>;

Labels seriesOf(const Graph& graph) {
  Labels all;
  for (const Edge& edge : graph.edges) {
    const std::string labels = "client=\"" + label(edge.source) + "\",server=\"" + label(edge.target) +
                               "\",connection_type=\"" + std::string(connectionType(edge)) + "\"";
    Series& series = all[labels];
    const bool opaque = edge.counts.requests == 0;
    series.requests += opaque ? edge.counts.connections : edge.counts.requests;
    series.failed += opaque ? edge.counts.failedConnections : edge.counts.errors;
    series.latency.merge(edge.counts.latency);
  }
  return all;
}

/// A bucket of ours counts below the bound that its middle lies below: at most its own width (12.5 %) off.
std::uint64_t below(const Histogram& histogram, double seconds) {
  std::uint64_t count = 0;
  for (const auto& [bucket, times] : histogram.filled()) {
    const auto [low, high] = Histogram::boundsOf(bucket);
    if ((static_cast<double>(low) + static_cast<double>(high)) / 2 <= seconds * 1e6) count += times;
  }
  return count;
}

double sumSeconds(const Histogram& histogram) {
  double sum = 0;
  for (const auto& [bucket, times] : histogram.filled()) {
    const auto [low, high] = Histogram::boundsOf(bucket);
    sum += (static_cast<double>(low) + static_cast<double>(high)) / 2e6 * static_cast<double>(times);
  }
  return sum;
}

std::string counter(const std::string& name, const std::string& help, const Labels& all,
                    std::uint64_t Series::*member) {
  std::string out = "# TYPE " + name + " counter\n# HELP " + name + " " + help + "\n";
  for (const auto& [labels, series] : all)
    out += name + "_total{" + labels + "} " + std::to_string(series.*member) + "\n";
  return out;
}

std::string histogram(const std::string& name, const std::string& help, const Labels& all) {
  std::string out = "# TYPE " + name + " histogram\n# UNIT " + name + " seconds\n# HELP " + name + " " + help + "\n";
  for (const auto& [labels, series] : all) {
    for (const double bound : kBounds) {
      std::string text = bound == 0.0005 ? "0.0005" : decimal(bound);
      if (text.find('.') == std::string::npos) text += ".0";  // the canonical form of a bound
      out +=
          name + "_bucket{" + labels + ",le=\"" + text + "\"} " + std::to_string(below(series.latency, bound)) + "\n";
    }
    const std::string count = std::to_string(series.latency.count());
    out += name + "_bucket{" + labels + ",le=\"+Inf\"} " + count + "\n";
    out += name + "_count{" + labels + "} " + count + "\n";
    out += name + "_sum{" + labels + "} " + decimal(sumSeconds(series.latency)) + "\n";
  }
  return out;
}

std::string gauge(const std::string& name, const std::string& help, const std::string& samples) {
  return "# TYPE " + name + " gauge\n# HELP " + name + " " + help + "\n" + samples;
}

/// How the connections of one pair of services went; only of pairs of which anything is known.
std::string securityGauges(const Graph& graph) {
  struct Pair {
    SecuritySum sum;
    std::uint64_t denied = 0;
  };
  std::map<std::string, Pair> pairs;
  for (const Edge& edge : graph.edges) {
    if (!hasSecurity(edge)) continue;
    Pair& pair = pairs["client=\"" + label(edge.source) + "\",server=\"" + label(edge.target) + "\""];
    pair.sum.add(edge.security);
    pair.denied += edge.counts.denied;
  }
  if (pairs.empty()) return "";
  std::string connections, denied, last;
  for (auto& [labels, pair] : pairs) {
    const EdgeSecurity security = std::move(pair.sum).finish();
    const std::pair<const char*, std::uint64_t> counts[] = {{"mutual", security.mutual},
                                                            {"plaintext", security.plaintext},
                                                            {"local", security.local},
                                                            {"unasked", security.unasked}};
    for (const auto& [how, count] : counts) {
      connections +=
          "loam_graph_secured_connections{" + labels + ",security=\"" + how + "\"} " + std::to_string(count) + "\n";
    }
    denied += "loam_graph_denied_connections{" + labels + "} " + std::to_string(pair.denied) + "\n";
    if (security.lastPlaintext) {
      last += "loam_graph_last_plaintext_seconds{" + labels + "} " + std::to_string(*security.lastPlaintext) + "\n";
    }
  }
  std::string out = gauge("loam_graph_secured_connections",
                          "Connections of the window, by how they went between the hosts.", connections) +
                    gauge("loam_graph_denied_connections", "Connections of the window that were denied.", denied);
  if (!last.empty())
    out +=
        gauge("loam_graph_last_plaintext_seconds", "When plaintext was last seen where mtls looked, unix time.", last);
  return out;
}

}  // namespace

/// The window's totals under the names that Grafana's service graph reads. OpenMetrics has no comments: the header is
/// metrics.
std::string exportOpenMetrics(const Graph& graph) {
  const Labels all = seriesOf(graph);
  std::string out =
      counter("traces_service_graph_request", "Exchanges (connections where the protocol shows none) of the window.",
              all, &Series::requests) +
      counter("traces_service_graph_request_failed", "Those that failed.", all, &Series::failed) +
      histogram("traces_service_graph_request_server_seconds",
                "Time from the first byte of a request to the last of its response.", all);
  const Header& header = graph.header;
  std::string coverage;
  for (const Coverage& entry : header.coverage) {
    coverage += "loam_graph_coverage_ratio{proxy=\"" + label(entry.proxy) + "\"} " + decimal(entry.share) + "\n";
  }
  out += gauge("loam_graph_window_start_seconds", "Start of the window, unix time.",
               "loam_graph_window_start_seconds " + std::to_string(header.window.from) + "\n");
  out += gauge("loam_graph_window_end_seconds", "End of the window, unix time.",
               "loam_graph_window_end_seconds " + std::to_string(header.window.to) + "\n");
  out += gauge("loam_graph_resolution_seconds", "Coarsest bucket used.",
               "loam_graph_resolution_seconds " + std::to_string(header.resolution) + "\n");
  out += gauge("loam_graph_revision", "Reports counted in the record.",
               "loam_graph_revision " + std::to_string(header.revision) + "\n");
  out += gauge("loam_graph_captured_ratio", "Connections captured of all known ones.",
               "loam_graph_captured_ratio " + decimal(header.capturedShare) + "\n");
  out += gauge("loam_graph_cut_nodes", "Nodes left out.",
               "loam_graph_cut_nodes " + std::to_string(header.cutNodes) + "\n");
  out += gauge("loam_graph_cut_edges", "Edges left out.",
               "loam_graph_cut_edges " + std::to_string(header.cutEdges) + "\n");
  if (!coverage.empty())
    out += gauge("loam_graph_coverage_ratio", "Share of the window that a proxy reported on.", coverage);
  return out + securityGauges(graph) + "# EOF\n";
}

}  // namespace loam::graph
