#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "db/sqlite_graph_store.h"
#include "proxy/wire/report.h"
#include "tests/support/temporary_directory.h"

namespace loam::db {

using test::TemporaryDirectory;

constexpr std::int64_t kStart = 1'700'000'000;  // a multiple of 10, not of 60

inline wire::Counts countsOf(std::uint64_t connections, std::uint64_t requests, std::uint64_t microseconds = 1000) {
  wire::Counts counts;
  counts.connections = connections;
  counts.requests = requests;
  counts.bytesSent = requests * 100;
  counts.bytesReceived = requests * 1000;
  if (requests != 0) counts.latency.record(microseconds, requests);
  return counts;
}

inline wire::EdgeReport edgeOf(const std::string& client, const std::string& destination, std::int64_t bucket,
                               const wire::Counts& counts, const std::string& vantage = "outbound") {
  wire::EdgeReport edge;
  edge.client = *IpAddress::parse(client);
  edge.destination = *SocketAddress::parse(destination);
  edge.vantage = vantage;
  edge.protocol = "http1";
  edge.buckets.push_back({bucket, counts, {}});
  return edge;
}

/// A report that covers [from, from + length) seconds.
inline wire::Report reportOf(const std::string& proxy, std::uint64_t sequence, std::int64_t from,
                             std::vector<wire::EdgeReport> edges, std::int64_t length = 10, std::uint64_t epoch = 1) {
  wire::Report report;
  report.proxy = proxy;
  report.role = "node";
  report.epoch = epoch;
  report.sequence = sequence;
  report.from = from * 1000;
  report.to = (from + length) * 1000;
  report.edges = std::move(edges);
  return report;
}

inline std::unique_ptr<record::GraphStore> openStore(const std::filesystem::path& path,
                                                     const record::Limits& limits = {}) {
  auto store = openGraphStore(path, limits);
  EXPECT_TRUE(store) << store.error().describe();
  return store ? *std::move(store) : nullptr;
}

inline bool ingestOne(record::GraphStore& store, const wire::Report& report) {
  const auto counted = store.ingest({&report, 1});
  EXPECT_TRUE(counted) << counted.error().describe();
  return counted && counted->front();
}

inline record::Sums sumsOf(record::GraphStore& store, graph::Window window, bool routes = true) {
  auto snapshot = store.snapshot();
  EXPECT_TRUE(snapshot) << snapshot.error().describe();
  auto sums = (*snapshot)->sums(window, record::Snap::Around, routes);
  EXPECT_TRUE(sums) << sums.error().describe();
  return *sums;
}

inline wire::Counts totalOf(const record::Sums& sums) {
  wire::Counts total;
  for (const auto& [flow, cell] : sums.flows) total.merge(cell.counts);
  return total;
}

}  // namespace loam::db
