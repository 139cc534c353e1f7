#pragma once

#include <json/value.h>

#include "shadow/graph/diff.h"
#include "shadow/graph/flow.h"
#include "shadow/graph/model.h"

namespace loam::graph {

/// The forms that API, CLI and exports share. Times are RFC 3339 in UTC, durations milliseconds, ratios 0..1.
Json::Value toJson(const Header& header);
Json::Value toJson(const Node& node);
/// source, target, protocol, port, connections, requests, errors, bytes_sent, bytes_received, p50_ms, p99_ms, tls,
/// first_seen, last_seen, captured; then id, failed_connections, resets, rate, seen_by, proxies, and security and
/// routes where there are any.
Json::Value toJson(const Edge& edge, const Window& window);
/// header, nodes, edges.
Json::Value toJson(const Graph& graph);
Json::Value toJson(const Diff& diff);
Json::Value toJson(const ProxyState& proxy);

/// "2026-11-22T20:55:10Z".
std::string rfc3339(std::int64_t unixSeconds);

/// Exchanges a second over the window; connections where no exchange was seen.
double rate(const Edge& edge, const Window& window);

}  // namespace loam::graph
