#include "db/report_writer.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "db/interval_log.h"
#include "db/verdict_rows.h"

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;

void assign(Poco::Data::BLOB& blob, const record::Bytes& bytes) { blob.assignRaw(bytes.data(), bytes.size()); }

}  // namespace

ReportWriter::ReportWriter(Poco::Data::Session& session, FlowIndex& index, const record::Limits& limits)
    : session_(session), index_(index), limits_(limits), upsert_(session) {
  upsert_ << "INSERT INTO tens (t, flow_id, counts, routes) VALUES (?, ?, ?, ?) ON CONFLICT (t, flow_id) DO UPDATE SET "
             "counts = add_counts(counts, excluded.counts), routes = add_routes(routes, excluded.routes)",
      use(cell_.t), use(cell_.flow), use(cell_.counts), use(cell_.routes);
}

bool ReportWriter::write(const wire::Report& report) {
  std::int64_t proxy = proxyOf(report);
  auto epoch = static_cast<std::int64_t>(report.epoch);
  const auto sequence = static_cast<std::int64_t>(report.sequence);
  if (!countSequence(session_, proxy, epoch, sequence)) {
    session_ << "UPDATE proxies SET duplicates = duplicates + 1 WHERE id = ?", use(proxy), now;
    return false;
  }
  for (const wire::EdgeReport& edge : report.edges) writeEdge(report, proxy, edge);
  writeNames(report);
  index_.folds.verdicts += writeVerdicts(session_, report, limits_.verdicts);
  writeProxy(report, proxy);
  addCoverage(session_, proxy, report.from, report.to);
  return true;
}

void ReportWriter::finish(std::uint64_t counted) {
  flush();
  const Folds& folds = index_.folds;
  session_ << "UPDATE counters SET value = value + ? WHERE name = 'revision'", use(counted), now;
  const std::pair<const char*, std::uint64_t> totals[] = {
      {"folded_edges", folds.edges},    {"folded_peers", folds.peers},           {"folded_routes", folds.routes},
      {"dropped_claims", folds.claims}, {"folded_identities", folds.identities}, {"folded_verdicts", folds.verdicts}};
  for (const auto& [label, total] : totals) {
    std::string name = label;
    std::uint64_t value = total;
    session_ << "UPDATE counters SET value = ? WHERE name = ? AND value <> ?", use(value), use(name), use(value), now;
  }
}

std::int64_t ReportWriter::proxyOf(const wire::Report& report) {
  std::string name = report.proxy;
  std::string role = report.role;
  std::int64_t first = report.from / 1000;
  session_ << "INSERT INTO proxies (name, role, epoch, sequence, reports, duplicates, first_report, last_report) "
              "VALUES (?, ?, 0, 0, 0, 0, ?, 0) ON CONFLICT (name) DO NOTHING",
      use(name), use(role), use(first), now;
  std::int64_t id = 0;
  session_ << "SELECT id FROM proxies WHERE name = ?", into(id), use(name), now;
  return id;
}

void ReportWriter::writeProxy(const wire::Report& report, std::int64_t proxy) {
  auto epoch = static_cast<std::int64_t>(report.epoch);
  auto sequence = static_cast<std::int64_t>(report.sequence);
  std::int64_t from = report.from / 1000;
  std::int64_t to = report.to / 1000;
  std::string role = report.role;
  session_ << "UPDATE proxies SET role = ?, reports = reports + 1, first_report = min(first_report, ?), "
              "last_report = max(last_report, ?), "
              "sequence = CASE WHEN ? > epoch THEN ? WHEN ? = epoch THEN max(sequence, ?) ELSE sequence END, "
              "epoch = max(epoch, ?) WHERE id = ?",
      use(role), use(from), use(to), use(epoch), use(sequence), use(epoch), use(sequence), use(epoch), use(proxy), now;
  wire::Losses losses = report.losses;
  session_ << "INSERT INTO epochs (proxy_id, epoch, records, reports, decoders, other_edges) VALUES (?, ?, ?, ?, ?, ?) "
              "ON CONFLICT (proxy_id, epoch) DO UPDATE SET records = max(records, excluded.records), "
              "reports = max(reports, excluded.reports), decoders = max(decoders, excluded.decoders), "
              "other_edges = max(other_edges, excluded.other_edges)",
      use(proxy), use(epoch), use(losses.records), use(losses.reports), use(losses.decoders), use(losses.otherEdges),
      now;
}

void ReportWriter::writeEdge(const wire::Report& report, std::int64_t proxy, const wire::EdgeReport& edge) {
  if (edge.buckets.empty()) return;
  std::int64_t from = edge.buckets.front().start;
  std::int64_t to = from;
  for (const wire::Bucket& bucket : edge.buckets) {
    from = std::min(from, bucket.start);
    to = std::max(to, bucket.start + wire::kBucketSeconds);
  }
  to = std::max(from, std::min(to, report.to / 1000));
  const std::int64_t flow = index_.flowOf(session_, report.proxy, proxy, edge, from, to);
  for (const wire::Bucket& bucket : edge.buckets) gather(flow, bucket);
}

void ReportWriter::gather(std::int64_t flow, const wire::Bucket& bucket) {
  std::vector<record::RouteCell> routes;
  for (const wire::RouteCounts& route : bucket.routes) {
    routes.push_back({index_.routeOf(session_, flow, route.route), route.counts});
  }
  Sums& sums = pending_[{bucket.start, flow}];
  sums.counts.merge(bucket.counts);
  record::addRoutes(record::encodeRoutes(routes), sums.routes);
}

void ReportWriter::flush() {
  for (const auto& [key, sums] : pending_) {
    std::tie(cell_.t, cell_.flow) = key;
    assign(cell_.counts, record::encodeCounts(sums.counts));
    assign(cell_.routes, record::encodeRoutes(sums.routes));
    upsert_.execute();
  }
  pending_.clear();
}

void ReportWriter::writeNames(const wire::Report& report) {
  std::int64_t from = report.from / 1000;
  std::int64_t to = report.to / 1000;
  for (const wire::NameEvidence& evidence : report.names) {
    std::string scope = evidence.address.isLoopback() || evidence.address.isLinkLocal() ? report.proxy : std::string();
    std::string address = evidence.address.text();
    std::string source = evidence.source;
    std::string name = evidence.name;
    int port = evidence.port;
    std::uint64_t seen = evidence.seen;
    Poco::Data::Statement update(session_);
    update << "UPDATE claims SET seen = seen + ?, first_seen = min(first_seen, ?), last_seen = max(last_seen, ?) "
              "WHERE scope = ? AND address = ? AND port = ? AND source = ? AND name = ?",
        use(seen), use(from), use(to), use(scope), use(address), use(port), use(source), use(name);
    if (update.execute() > 0) continue;
    std::uint64_t claims = 0;
    std::uint64_t all = 0;
    session_ << "SELECT count(*) FROM claims WHERE scope = ? AND address = ? AND port = ? AND source = ?", into(claims),
        use(scope), use(address), use(port), use(source), now;
    session_ << "SELECT count(*) FROM claims", into(all), now;
    if (claims >= limits_.names || all >= limits_.claims) {
      ++index_.folds.claims;
      continue;
    }
    session_ << "INSERT INTO claims (scope, address, port, source, name, seen, first_seen, last_seen) VALUES (?, ?, ?, "
                "?, ?, ?, ?, ?)",
        use(scope), use(address), use(port), use(source), use(name), use(seen), use(from), use(to), now;
    index_.noteKnown(evidence.address);
  }
}

}  // namespace loam::db
