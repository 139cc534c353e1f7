#include <algorithm>
#include <array>

#include "proxy/relay/security.h"
#include "shadow/graph/text.h"
#include "shadow/record/recorder.h"

namespace loam::record {

namespace {

constexpr std::uint64_t kMostCount =
    1ULL << 48;  // of one bucket: no host does as much in 10 s, and sums of years stay in 64 bits
constexpr std::int64_t kMostLength = 7 * 86'400'000LL;
constexpr std::size_t kLongestName = 128;
constexpr std::size_t kLongestRoute = 256;
constexpr std::size_t kLongestIdentity = 255;

Status impossible(const wire::Report& report, const std::string& what) {
  const std::string name = graph::isPrintableUtf8(report.proxy) ? report.proxy.substr(0, kLongestName) : "?";
  return fail(ErrorCode::InvalidArgument, "report " + std::to_string(report.epoch) + "/" +
                                              std::to_string(report.sequence) + " of \"" + name + "\": " + what);
}

bool isText(const std::string& text, std::size_t longest) {
  return text.size() <= longest && graph::isPrintableUtf8(text);
}

bool isWord(const std::string& text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || c == '/';
  });
}

/// "spiffe://domain/segment/...", as certificates of a mesh have it.
bool isSpiffeId(std::string_view text) {
  constexpr std::string_view kScheme = "spiffe://";
  if (text.size() > kLongestIdentity || !text.starts_with(kScheme)) return false;
  text.remove_prefix(kScheme.size());
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto isPart = [](std::string_view part, std::string_view more) {
    return !part.empty() && part != "." && part != ".." && std::all_of(part.begin(), part.end(), [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
             (!more.empty() && ((c >= 'A' && c <= 'Z') || more.find(c) != std::string_view::npos));
    });
  };
  if (!isPart(text.substr(0, slash), "")) return false;
  text.remove_prefix(slash);
  if (text.empty()) return false;
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::size_t end = std::min(text.find('/'), text.size());
    if (!isPart(text.substr(0, end), "_")) return false;
    text.remove_prefix(end);
  }
  return true;
}

/// A word that some proxy says, in the one spelling that it has, and an identity that a handshake could have proved.
bool isPossible(const std::string& security, const std::string& identity) {
  const auto known = relay::securityOf(security);
  if (!known || relay::text(*known) != security) return false;
  return identity.empty() || !security.empty();
}

bool isPossible(const wire::Counts& counts) {
  return std::max({counts.connections, counts.failedConnections, counts.tlsConnections, counts.requests, counts.errors,
                   counts.resets, counts.denied, counts.bytesSent, counts.bytesReceived}) <= kMostCount &&
         std::all_of(counts.latency.filled().begin(), counts.latency.filled().end(),
                     [](const auto& pair) { return pair.second <= kMostCount; });
}

Status checkEdge(const wire::Report& report, const wire::EdgeReport& edge, std::int64_t now) {
  static constexpr std::array<std::string_view, 4> kVantages{"outbound", "inbound", "explicit", "inventory"};
  if (std::find(kVantages.begin(), kVantages.end(), edge.vantage) == kVantages.end()) {
    return impossible(report, "vantage: expected outbound, inbound, explicit or inventory");
  }
  if (!isWord(edge.protocol)) return impossible(report, "protocol: expected a short word");
  if (!edge.tlsVersion.empty() && !isWord(edge.tlsVersion))
    return impossible(report, "tls_version: expected a short word");
  if (edge.owner && (!isText(edge.owner->unit, kLongestName * 2) || !isText(edge.owner->exe, kLongestName))) {
    return impossible(report, "owner: control characters or too long");
  }
  if (!isPossible(edge.security, edge.identity))
    return impossible(report, "security: no such state, or an identity without one");
  if (!edge.identity.empty() && edge.identity != wire::kOtherIdentity && !isSpiffeId(edge.identity))
    return impossible(report, "identity: expected a SPIFFE id of at most 255 bytes");
  for (const wire::Bucket& bucket : edge.buckets) {
    if (bucket.start < 0 || bucket.start % wire::kBucketSeconds != 0)
      return impossible(report, "bucket: not a multiple of 10 s");
    if (bucket.start > now + kMostAhead)
      return impossible(report, "bucket: more than a day ahead of the controller's clock");
    if (!isPossible(bucket.counts)) return impossible(report, "counts: larger than any host could do in 10 s");
    for (const wire::RouteCounts& route : bucket.routes) {
      if (route.route.empty() || !isText(route.route, kLongestRoute))
        return impossible(report, "route: empty, too long or with control characters");
      if (!isPossible(route.counts)) return impossible(report, "route counts: larger than any host could do in 10 s");
    }
  }
  return {};
}

}  // namespace

Status checkReport(const wire::Report& report, std::int64_t now) {
  if (report.proxy.empty() || !isText(report.proxy, kLongestName))
    return impossible(report, "proxy: expected a name of 1 to 128 printable characters");
  if (!report.role.empty() && !isWord(report.role)) return impossible(report, "role: expected a short word");
  if (report.epoch == 0 || report.epoch >= 1ULL << 63) return impossible(report, "epoch: out of range");
  if (report.sequence == 0 || report.sequence >= 1ULL << 62) return impossible(report, "sequence: expected 1 or more");
  if (report.from < 0 || report.to < report.from || report.to - report.from > kMostLength)
    return impossible(report, "from, to: no stretch of time");
  if (report.to / 1000 > now + kMostAhead)
    return impossible(report, "to: more than a day ahead of the controller's clock");
  const wire::Losses& losses = report.losses;
  if (std::max({losses.records, losses.reports, losses.decoders, losses.otherEdges}) > kMostCount)
    return impossible(report, "losses: impossible");
  for (const wire::EdgeReport& edge : report.edges) LOAM_TRY(checkEdge(report, edge, now));
  for (const wire::NameEvidence& name : report.names) {
    if (!isWord(name.source) || name.source == "operator") return impossible(report, "name: no such source");
    if (name.seen > kMostCount) return impossible(report, "name: seen too often");
  }
  for (const wire::Verdict& verdict : report.verdicts) {
    const std::string wrong = wrongWith(verdict, now + kMostAhead);
    if (!wrong.empty()) return impossible(report, "verdict: " + wrong);
  }
  return {};
}

}  // namespace loam::record
