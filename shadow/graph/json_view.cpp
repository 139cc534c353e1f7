#include "shadow/graph/json_view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "shadow/graph/security.h"

namespace loam::graph {

namespace {

double rounded(double value) { return std::round(value * 1000) / 1000; }

Json::Value list(const std::vector<std::string>& items) {
  Json::Value out(Json::arrayValue);
  for (const std::string& item : items) out.append(item);
  return out;
}

Json::Value toJson(const Window& window) {
  Json::Value out(Json::objectValue);
  out["from"] = rfc3339(window.from);
  out["to"] = rfc3339(window.to);
  out["seconds"] = Json::Int64(window.to - window.from);
  return out;
}

Json::Value toJson(const wire::Losses& losses) {
  Json::Value out(Json::objectValue);
  out["records"] = Json::UInt64(losses.records);
  out["reports"] = Json::UInt64(losses.reports);
  out["decoders"] = Json::UInt64(losses.decoders);
  out["other_edges"] = Json::UInt64(losses.otherEdges);
  return out;
}

Json::Value toJson(const EdgeSecurity& security, std::uint64_t denied) {
  Json::Value out(Json::objectValue);
  out["state"] = std::string(stateOf(security));
  out["mutual"] = Json::UInt64(security.mutual);
  out["plaintext"] = Json::UInt64(security.plaintext);
  out["local"] = Json::UInt64(security.local);
  out["unasked"] = Json::UInt64(security.unasked);
  out["denied"] = Json::UInt64(denied);
  if (const auto share = mutualShare(security)) out["mutual_share"] = rounded(*share);
  if (security.lastPlaintext) out["last_plaintext"] = rfc3339(*security.lastPlaintext);
  out["reasons"] = Json::Value(Json::arrayValue);
  for (const PlaintextReason& reason : security.reasons) {
    Json::Value entry(Json::objectValue);
    entry["state"] = reason.state;
    entry["connections"] = Json::UInt64(reason.connections);
    entry["last_seen"] = rfc3339(reason.lastSeen);
    out["reasons"].append(std::move(entry));
  }
  out["identities"] = Json::Value(Json::arrayValue);
  for (const PeerIdentity& peer : security.identities) {
    Json::Value entry(Json::objectValue);
    entry["identity"] = peer.identity;
    entry["side"] = peer.side;
    entry["connections"] = Json::UInt64(peer.connections);
    entry["last_seen"] = rfc3339(peer.lastSeen);
    out["identities"].append(std::move(entry));
  }
  return out;
}

}  // namespace

std::string rfc3339(std::int64_t unixSeconds) {
  // Outside the years 0..9999 there is no such form.
  const std::time_t time = std::clamp<std::int64_t>(unixSeconds, -62'167'219'200, 253'402'300'799);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

double rate(const Edge& edge, const Window& window) {
  const std::uint64_t count = edge.counts.requests != 0 ? edge.counts.requests : edge.counts.connections;
  return static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(1, window.to - window.from));
}

Json::Value toJson(const Header& header) {
  Json::Value out(Json::objectValue);
  out["window"] = toJson(header.window);
  out["revision"] = Json::UInt64(header.revision);
  out["resolution_seconds"] = Json::Int64(header.resolution);
  out["captured_share"] = rounded(header.capturedShare);
  out["cut"]["nodes"] = Json::UInt64(header.cutNodes);
  out["cut"]["edges"] = Json::UInt64(header.cutEdges);
  out["coverage"] = Json::Value(Json::arrayValue);
  for (const Coverage& coverage : header.coverage) {
    Json::Value entry(Json::objectValue);
    entry["proxy"] = coverage.proxy;
    entry["share"] = rounded(coverage.share);
    entry["first_report"] = rfc3339(coverage.firstReport);
    entry["last_report"] = rfc3339(coverage.lastReport);
    entry["lost"] = toJson(coverage.losses);
    out["coverage"].append(std::move(entry));
  }
  out["sampled"] = Json::Value(Json::arrayValue);
  for (const Sampled& sampled : header.sampled) {
    Json::Value entry(Json::objectValue);
    entry["service"] = sampled.service;
    entry["share"] = rounded(sampled.share);
    out["sampled"].append(std::move(entry));
  }
  return out;
}

Json::Value toJson(const Node& node) {
  Json::Value out(Json::objectValue);
  out["id"] = node.id;
  out["name"] = node.name;
  out["kind"] = node.kind;
  out["name_source"] = node.nameSource;
  out["addresses"] = list(node.addresses);
  out["claims"] = Json::Value(Json::arrayValue);
  for (const NameClaim& claim : node.claims) {
    Json::Value entry(Json::objectValue);
    entry["name"] = claim.name;
    entry["source"] = claim.source;
    entry["seen"] = Json::UInt64(claim.seen);
    out["claims"].append(std::move(entry));
  }
  out["first_seen"] = rfc3339(node.firstSeen);
  out["last_seen"] = rfc3339(node.lastSeen);
  return out;
}

Json::Value toJson(const Edge& edge, const Window& window) {
  Json::Value out(Json::objectValue);
  out["source"] = edge.source;
  out["target"] = edge.target;
  out["protocol"] = edge.protocol;
  out["port"] = edge.port;
  out["connections"] = Json::UInt64(edge.counts.connections);
  out["requests"] = Json::UInt64(edge.counts.requests);
  out["errors"] = Json::UInt64(edge.counts.errors);
  out["bytes_sent"] = Json::UInt64(edge.counts.bytesSent);
  out["bytes_received"] = Json::UInt64(edge.counts.bytesReceived);
  out["p50_ms"] = rounded(edge.p50Ms);
  out["p99_ms"] = rounded(edge.p99Ms);
  out["tls"] = edge.tls;
  out["first_seen"] = rfc3339(edge.firstSeen);
  out["last_seen"] = rfc3339(edge.lastSeen);
  out["captured"] = edge.captured;
  out["id"] = edge.id;
  out["failed_connections"] = Json::UInt64(edge.counts.failedConnections);
  out["resets"] = Json::UInt64(edge.counts.resets);
  out["rate"] = rounded(rate(edge, window));
  out["seen_by"] = list(edge.seenBy);
  out["proxies"] = list(edge.proxies);
  if (hasSecurity(edge)) out["security"] = toJson(edge.security, edge.counts.denied);
  for (const wire::RouteCounts& route : edge.routes) {
    Json::Value entry(Json::objectValue);
    entry["route"] = route.route;
    entry["requests"] = Json::UInt64(route.counts.requests);
    entry["errors"] = Json::UInt64(route.counts.errors);
    entry["p50_ms"] = rounded(route.counts.latency.quantile(0.5) / 1000);
    entry["p99_ms"] = rounded(route.counts.latency.quantile(0.99) / 1000);
    out["routes"].append(std::move(entry));
  }
  return out;
}

Json::Value toJson(const Graph& graph) {
  Json::Value out(Json::objectValue);
  out["header"] = toJson(graph.header);
  out["nodes"] = Json::Value(Json::arrayValue);
  for (const Node& node : graph.nodes) out["nodes"].append(toJson(node));
  out["edges"] = Json::Value(Json::arrayValue);
  for (const Edge& edge : graph.edges) out["edges"].append(toJson(edge, graph.header.window));
  return out;
}

Json::Value toJson(const Diff& diff) {
  Json::Value out(Json::objectValue);
  out["before"] = toJson(diff.before);
  out["after"] = toJson(diff.after);
  out["unsure"] = Json::UInt64(diff.unsure);
  out["differences"] = Json::Value(Json::arrayValue);
  for (const Difference& difference : diff.differences) {
    const Edge& edge = difference.after.id.empty() ? difference.before : difference.after;
    Json::Value entry(Json::objectValue);
    entry["kind"] = std::string(name(difference.kind));
    entry["source"] = edge.source;
    entry["target"] = edge.target;
    entry["protocol"] = edge.protocol;
    entry["port"] = edge.port;
    entry["what"] = difference.what;
    if (!difference.before.id.empty()) entry["before"] = toJson(difference.before, diff.before.window);
    if (!difference.after.id.empty()) entry["after"] = toJson(difference.after, diff.after.window);
    out["differences"].append(std::move(entry));
  }
  return out;
}

Json::Value toJson(const ProxyState& proxy) {
  Json::Value out(Json::objectValue);
  out["name"] = proxy.name;
  out["role"] = proxy.role;
  out["epoch"] = Json::UInt64(proxy.epoch);
  out["sequence"] = Json::UInt64(proxy.sequence);
  out["reports"] = Json::UInt64(proxy.reports);
  out["duplicates"] = Json::UInt64(proxy.duplicates);
  out["first_report"] = rfc3339(proxy.firstReport);
  out["last_report"] = rfc3339(proxy.lastReport);
  out["lost"] = toJson(proxy.losses);
  return out;
}

}  // namespace loam::graph
