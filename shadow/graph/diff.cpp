#include "shadow/graph/diff.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <tuple>

#include "shadow/graph/json_view.h"
#include "shadow/graph/security.h"

namespace loam::graph {

namespace {

constexpr double kSureZ = 3.0;  // standard errors that chance is not believed to make
constexpr double kRateRatio = 1.5;
constexpr double kErrorStep = 0.01;
constexpr double kLatencyRatio = 1.25;
constexpr std::uint64_t kFewest = 20;  // exchanges, below which nothing is said about latency and errors

using Key = std::tuple<std::string, std::string, std::string, std::uint16_t>;
using Ends = std::tuple<std::string, std::string, std::uint16_t>;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value >= 100 ? "%.0f" : value >= 1 ? "%.1f" : "%.3f", value);
  return text;
}

double seconds(const Window& window) { return static_cast<double>(std::max<std::int64_t>(1, window.to - window.from)); }

std::uint64_t exchanges(const Edge& edge) {
  return edge.counts.requests != 0 ? edge.counts.requests : edge.counts.connections;
}

/// Two counts over two lengths of time: is the ratio of their rates beyond chance and beyond kRateRatio?
bool rateChanged(const Edge& a, const Edge& b, const Window& before, const Window& after) {
  const auto countA = static_cast<double>(exchanges(a));
  const auto countB = static_cast<double>(exchanges(b));
  if (countA == 0 || countB == 0 || (a.counts.requests == 0) != (b.counts.requests == 0)) return false;
  const double distance = std::log((countB / seconds(after)) / (countA / seconds(before)));
  return std::abs(distance) > std::log(kRateRatio) && std::abs(distance) > kSureZ * std::sqrt(1 / countA + 1 / countB);
}

bool sharesDiffer(std::uint64_t hitsA, std::uint64_t allA, std::uint64_t hitsB, std::uint64_t allB, double least) {
  if (allA < kFewest || allB < kFewest) return false;
  const double shareA = static_cast<double>(hitsA) / static_cast<double>(allA);
  const double shareB = static_cast<double>(hitsB) / static_cast<double>(allB);
  const double pooled = static_cast<double>(hitsA + hitsB) / static_cast<double>(allA + allB);
  const double error =
      std::sqrt(pooled * (1 - pooled) * (1 / static_cast<double>(allA) + 1 / static_cast<double>(allB)));
  return std::abs(shareB - shareA) >= least && std::abs(shareB - shareA) > kSureZ * error;
}

std::uint64_t above(const Histogram& histogram, double microseconds) {
  std::uint64_t count = 0;
  for (const auto& [bucket, times] : histogram.filled()) {
    if (static_cast<double>(Histogram::boundsOf(bucket).first) >= microseconds) count += times;
  }
  return count;
}

/// By exceedance: more (or fewer) exchanges than chance allows lie above the other window's p50 or p95.
bool latencyChanged(const Edge& a, const Edge& b, double quantile) {
  const Histogram& before = a.counts.latency;
  const Histogram& after = b.counts.latency;
  if (before.count() < kFewest || after.count() < kFewest) return false;
  const double from = std::max(1.0, before.quantile(quantile));
  const double to = std::max(1.0, after.quantile(quantile));
  if (std::max(to / from, from / to) < kLatencyRatio) return false;
  const double mark = std::sqrt(from * to);
  return sharesDiffer(above(before, mark), before.count(), above(after, mark), after.count(), 0);
}

/// Some of an edge's connections.
struct Share {
  std::uint64_t hits = 0;
  std::uint64_t all = 0;
  std::string percent() const { return number(100.0 * static_cast<double>(hits) / static_cast<double>(all)); }
};

Share mutualOf(const Edge& edge) {
  const EdgeSecurity& security = edge.security;
  return {security.mutual, security.mutual + security.plaintext + security.unasked};
}

Share deniedOf(const Edge& edge) {
  return {std::min(edge.counts.denied, edge.counts.connections), edge.counts.connections};
}

std::string changes(const Edge& a, const Edge& b, const Window& before, const Window& after) {
  std::string out;
  const auto say = [&out](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  if (rateChanged(a, b, before, after))
    say("rate " + number(rate(a, before)) + "/s -> " + number(rate(b, after)) + "/s");
  const auto errors = [](const Edge& edge) {
    return edge.counts.requests != 0 ? edge.counts.errors : edge.counts.failedConnections;
  };
  if (sharesDiffer(errors(a), exchanges(a), errors(b), exchanges(b), kErrorStep)) {
    const auto share = [&](const Edge& edge) {
      return number(100.0 * static_cast<double>(errors(edge)) / static_cast<double>(exchanges(edge)));
    };
    say("errors " + share(a) + " % -> " + share(b) + " %");
  }
  for (const auto& [what, hits] : {std::pair("mutual", &mutualOf), std::pair("denied", &deniedOf)}) {
    const Share from = hits(a);
    const Share to = hits(b);
    if (sharesDiffer(from.hits, from.all, to.hits, to.all, kErrorStep))
      say(std::string(what) + " " + from.percent() + " % -> " + to.percent() + " %");
  }
  if (latencyChanged(a, b, 0.5)) say("p50 " + number(a.p50Ms) + " ms -> " + number(b.p50Ms) + " ms");
  if (latencyChanged(a, b, 0.95)) say("p99 " + number(a.p99Ms) + " ms -> " + number(b.p99Ms) + " ms");
  return out;
}

/// Some proxy that saw the edge looked on in both windows, so that its absence means something.
bool isSure(const Edge& edge, const Header& before, const Header& after) {
  const auto share = [](const Header& header, const std::string& proxy) {
    for (const Coverage& coverage : header.coverage) {
      if (coverage.proxy == proxy) return coverage.share;
    }
    return 0.0;
  };
  return std::any_of(edge.proxies.begin(), edge.proxies.end(), [&](const std::string& proxy) {
    return share(before, proxy) >= kSureCoverage && share(after, proxy) >= kSureCoverage;
  });
}

class Comparison {
 public:
  Comparison(const Graph& before, const Graph& after) {
    diff_.before = before.header;
    diff_.after = after.header;
    for (const Edge& edge : before.edges) before_[{edge.source, edge.target, edge.protocol, edge.port}] = &edge;
    for (const Edge& edge : after.edges) after_[{edge.source, edge.target, edge.protocol, edge.port}] = &edge;
  }

  Diff run() && {
    std::multimap<Ends, const Edge*> gone;
    for (const auto& [key, edge] : before_) {
      if (!after_.contains(key)) gone.emplace(Ends{edge->source, edge->target, edge->port}, edge);
    }
    for (const auto& [key, edge] : after_) {
      if (const auto at = before_.find(key); at != before_.end()) {
        compare(*at->second, *edge);
      } else if (const auto was = gone.find({edge->source, edge->target, edge->port}); was != gone.end()) {
        note(DiffKind::ProtocolChanged, was->second, edge, was->second->protocol + " -> " + edge->protocol);
        plaintext(*was->second, *edge);
        mutualLost(*was->second, *edge);
        gone.erase(was);
      } else {
        note(DiffKind::New, nullptr, edge,
             number(rate(*edge, diff_.after.window)) + "/s since " + rfc3339(edge->firstSeen));
      }
    }
    for (const auto& [ends, edge] : gone) {
      if (isSure(*edge, diff_.before, diff_.after)) {
        note(DiffKind::Gone, edge, nullptr, "last seen " + rfc3339(edge->lastSeen));
      } else {
        ++diff_.unsure;
      }
    }
    std::sort(diff_.differences.begin(), diff_.differences.end(), [](const Difference& a, const Difference& b) {
      const auto order = [](const Difference& d) {
        const Edge& edge = d.after.id.empty() ? d.before : d.after;
        return std::tuple(edge.source, edge.target, edge.protocol, edge.port, d.kind);
      };
      return order(a) < order(b);
    });
    return std::move(diff_);
  }

 private:
  void note(DiffKind kind, const Edge* before, const Edge* after, std::string what) {
    diff_.differences.push_back(
        {kind, before == nullptr ? Edge() : *before, after == nullptr ? Edge() : *after, std::move(what)});
  }
  void plaintext(const Edge& a, const Edge& b) {
    const bool encrypted = a.tls != "none" && a.tls != "partial";
    if (encrypted && (b.tls == "none" || b.tls == "partial"))
      note(DiffKind::PlaintextReturned, &a, &b, a.tls + " -> " + b.tls);
  }
  /// One connection is enough: where all was mutual, no plaintext is by chance. Nobody looking any more counts too.
  void mutualLost(const Edge& a, const Edge& b) {
    if (stateOf(a.security) != "mutual") return;
    const std::string_view now = stateOf(b.security);
    if (now == "mutual" || now == "local" || (now.empty() && b.security.unasked == 0)) return;
    const std::string after = now.empty() ? "nobody asks" : securityText(b);
    note(DiffKind::MutualLost, &a, &b, "mutual -> " + after);
  }
  void compare(const Edge& a, const Edge& b) {
    plaintext(a, b);
    mutualLost(a, b);
    const std::string what = changes(a, b, diff_.before.window, diff_.after.window);
    if (!what.empty()) note(DiffKind::Changed, &a, &b, what);
  }

  std::map<Key, const Edge*> before_;
  std::map<Key, const Edge*> after_;
  Diff diff_;
};

}  // namespace

std::string_view name(DiffKind kind) {
  static constexpr std::array<std::string_view, 6> kNames{
      "NEW", "GONE", "CHANGED", "PROTOCOL_CHANGED", "PLAINTEXT_RETURNED", "MUTUAL_LOST"};
  return kNames[static_cast<std::size_t>(kind)];
}

Diff diff(const Graph& before, const Graph& after) { return Comparison(before, after).run(); }

}  // namespace loam::graph
