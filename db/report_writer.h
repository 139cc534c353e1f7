#pragma once

#include <Poco/Data/LOB.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "db/flow_index.h"
#include "proxy/wire/report.h"
#include "shadow/record/cell.h"
#include "shadow/record/limits.h"

namespace loam::db {

/// Counts one report inside the caller's transaction. Throws POCO's exceptions.
class ReportWriter {
 public:
  ReportWriter(Poco::Data::Session& session, FlowIndex& index, const record::Limits& limits);
  ReportWriter(const ReportWriter&) = delete;
  ReportWriter& operator=(const ReportWriter&) = delete;

  /// False when it was counted before.
  bool write(const wire::Report& report);
  /// What many reports share: their buckets, the revision and the counters of the bounds.
  void finish(std::uint64_t counted);
  /// Forgets what a failed transaction had gathered.
  void discard() { pending_.clear(); }

 private:
  /// Edges that were folded into one, and reports of one batch, meet in the same bucket: they are written once.
  struct Sums {
    wire::Counts counts;
    std::vector<record::RouteCell> routes;
  };

  std::int64_t proxyOf(const wire::Report& report);
  void writeProxy(const wire::Report& report, std::int64_t proxy);
  void writeEdge(const wire::Report& report, std::int64_t proxy, const wire::EdgeReport& edge);
  void gather(std::int64_t flow, const wire::Bucket& bucket);
  void flush();
  void writeNames(const wire::Report& report);

  Poco::Data::Session& session_;
  FlowIndex& index_;
  const record::Limits limits_;
  std::map<std::pair<std::int64_t, std::int64_t>, Sums> pending_;  // by time and flow
  // Bound to cell_, the statement that ingest lives in: prepared once.
  struct Cell {
    std::int64_t t = 0;
    std::int64_t flow = 0;
    Poco::Data::BLOB counts;
    Poco::Data::BLOB routes;
  } cell_;
  Poco::Data::Statement upsert_;
};

}  // namespace loam::db
