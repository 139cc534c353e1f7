#include "db/sqlite_graph_snapshot.h"

#include <Poco/Data/LOB.h>
#include <Poco/Data/Statement.h>

#include <algorithm>
#include <map>

#include "db/verdict_rows.h"
#include "shadow/record/cell.h"

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;
using Poco::Data::Session;

template <class T>
using Column = std::vector<T>;

}  // namespace

Result<std::unique_ptr<record::GraphSnapshot>> SqliteGraphSnapshot::begin(ReaderPool& pool, IndexView view) {
  auto reader = pool.take();
  if (!reader) return fail(std::move(reader).error());
  std::unique_ptr<SqliteGraphSnapshot> snapshot(new SqliteGraphSnapshot(pool, *std::move(reader), std::move(view)));
  LOAM_TRY(snapshot->reader_->script("reading", "BEGIN"));
  LOAM_TRY(snapshot->reader_->attempt("reading the horizons", [&](Session& session) {
    Column<std::int64_t> seconds;
    Column<std::int64_t> starts;
    session << "SELECT res, t FROM horizons", into(seconds), into(starts), now;
    for (std::size_t i = 0; i < record::kLevelSeconds.size(); ++i)
      snapshot->levels_[i].seconds = record::kLevelSeconds[i];
    for (std::size_t i = 0; i < seconds.size(); ++i) {
      if (seconds[i] == wire::kBucketSeconds) snapshot->moved_ = starts[i];
      for (record::Level& level : snapshot->levels_) {
        if (level.seconds == seconds[i]) level.horizon = starts[i];
      }
    }
  }));
  return snapshot;
}

SqliteGraphSnapshot::~SqliteGraphSnapshot() {
  if (reader_ && reader_->script("reading", "COMMIT")) pool_.giveBack(std::move(reader_));
}

Result<record::Sums> SqliteGraphSnapshot::sums(graph::Window window, record::Snap snap, bool routes) {
  const record::WindowPlan plan = record::planWindow(window, snap, moved_, levels_);
  record::Sums sums{plan.window, plan.resolution, {}};
  // Inside: buckets of 10 s that stayed behind at a seam lie inside even where those of the levels do not.
  const bool inside = snap == record::Snap::Inside;
  const graph::Window exact = inside ? graph::Window{record::alignUp(window.from, wire::kBucketSeconds),
                                                     record::alignDown(window.to, wire::kBucketSeconds)}
                                     : plan.window;
  if (exact.to <= exact.from) return sums;
  LOAM_TRY(reader_->attempt("reading a window", [&](Session& session) {
    Poco::Data::BLOB collected;
    std::int64_t from = exact.from;
    std::int64_t to = exact.to;
    const char* const tens = routes ? "SELECT collect(flow_id, counts, routes) FROM tens WHERE t >= ? AND t < ?"
                                    : "SELECT collect(flow_id, counts) FROM tens WHERE t >= ? AND t < ?";
    session << tens, into(collected), use(from), use(to), now;
    add(collected, sums.flows);
    for (record::WindowPlan::Range range : plan.ranges) {
      const char* const buckets =
          routes ? "SELECT collect(flow_id, counts, routes) FROM buckets WHERE res = ? AND t >= ? AND t < ?"
                 : "SELECT collect(flow_id, counts) FROM buckets WHERE res = ? AND t >= ? AND t < ?";
      session << buckets, into(collected), use(range.seconds), use(range.from), use(range.to), now;
      add(collected, sums.flows);
    }
  }));
  return sums;
}

/// What stayed behind in `tens` at a seam and what has moved are of one bucket all the same.
Result<std::vector<record::Slice>> SqliteGraphSnapshot::slices(graph::Window window,
                                                               const std::vector<std::int64_t>& flows,
                                                               std::size_t most) {
  auto ranges = record::planSlices(window, wire::kBucketSeconds, moved_, levels_);
  for (const record::Level& level : levels_) {
    if (record::bucketsIn(ranges) * flows.size() <= most) break;
    ranges = record::planSlices(window, level.seconds, moved_, levels_);
  }
  std::string wanted = "[";
  for (const std::int64_t flow : flows) wanted += (wanted.size() == 1 ? "" : ",") + std::to_string(flow);
  wanted += "]";
  std::map<std::int64_t, record::Slice> found;
  LOAM_TRY(reader_->attempt("reading the buckets of a window", [&](Session& session) {
    for (record::WindowPlan::Range range : ranges) {
      Column<std::int64_t> starts;
      Column<Poco::Data::BLOB> cells;
      session << "SELECT t / ? * ?, collect(flow_id, counts) FROM tens WHERE t >= ? AND t < ? AND flow_id IN "
                 "(SELECT value FROM json_each(?)) GROUP BY 1",
          into(starts), into(cells), use(range.seconds), use(range.seconds), use(range.from), use(range.to),
          use(wanted), now;
      Column<std::int64_t> movedStarts;
      Column<Poco::Data::BLOB> movedCells;
      session << "SELECT t, collect(flow_id, counts) FROM buckets WHERE res = ? AND t >= ? AND t < ? AND flow_id IN "
                 "(SELECT value FROM json_each(?)) GROUP BY t",
          into(movedStarts), into(movedCells), use(range.seconds), use(range.from), use(range.to), use(wanted), now;
      starts.insert(starts.end(), movedStarts.begin(), movedStarts.end());
      cells.insert(cells.end(), movedCells.begin(), movedCells.end());
      for (std::size_t i = 0; i < starts.size(); ++i) {
        record::Slice& slice = found[starts[i]];
        slice.from = starts[i];
        slice.length = range.seconds;
        add(cells[i], slice.flows);
      }
    }
  }));
  std::vector<record::Slice> out;
  for (auto& [from, slice] : found) out.push_back(std::move(slice));
  return out;
}

void SqliteGraphSnapshot::add(const Poco::Data::BLOB& collected,
                              std::unordered_map<std::int64_t, graph::Tally>& flows) const {
  record::ByteView in(collected.rawContent(), collected.size());
  std::uint64_t flow = 0;
  record::ByteView counts;
  record::ByteView routes;
  while (record::takeNumber(in, flow) && record::takeBytes(in, counts) && record::takeBytes(in, routes)) {
    graph::Tally& cell = flows[static_cast<std::int64_t>(flow)];
    record::addCounts(counts, cell.counts);
    std::vector<record::RouteCell> routeCells;
    record::addRoutes(routes, routeCells);
    for (const record::RouteCell& route : routeCells) {
      const auto text = view_.routes.find(route.route);
      graph::addRoute(cell.routes, text == view_.routes.end() ? "other" : text->second, route.counts);
    }
  }
}

Result<std::vector<graph::Claim>> SqliteGraphSnapshot::claims() {
  std::vector<graph::Claim> out;
  LOAM_TRY(reader_->attempt("reading the names", [&](Session& session) {
    Column<std::string> scopes, addresses, sources, names;
    Column<int> ports;
    Column<std::uint64_t> seen;
    Column<std::int64_t> firsts, lasts;
    session << "SELECT scope, address, port, source, name, seen, first_seen, last_seen FROM claims", into(scopes),
        into(addresses), into(ports), into(sources), into(names), into(seen), into(firsts), into(lasts), now;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto address = IpAddress::parse(addresses[i]);
      if (!address) continue;
      out.push_back({scopes[i], *address, 128, static_cast<std::uint16_t>(ports[i]), sources[i], names[i], seen[i],
                     firsts[i], lasts[i]});
    }
  }));
  return out;
}

Result<std::vector<graph::Alias>> SqliteGraphSnapshot::aliases() {
  std::vector<graph::Alias> out;
  LOAM_TRY(reader_->attempt("reading the operator's names", [&](Session& session) {
    Column<std::string> nodes, names;
    session << "SELECT node, name FROM aliases", into(nodes), into(names), now;
    for (std::size_t i = 0; i < nodes.size(); ++i) out.push_back({nodes[i], names[i]});
  }));
  return out;
}

Result<std::vector<graph::ProxyState>> SqliteGraphSnapshot::proxies(graph::Window window) {
  std::vector<graph::ProxyState> out;
  LOAM_TRY(reader_->attempt("reading the proxies", [&](Session& session) {
    Column<std::int64_t> ids, epochs, sequences, firsts, lasts;
    Column<std::string> names, roles;
    Column<std::uint64_t> reports, duplicates, records, lost, decoders, others;
    session
        << "SELECT p.id, p.name, p.role, p.epoch, p.sequence, p.reports, p.duplicates, p.first_report, p.last_report, "
           "sum(e.records), sum(e.reports), sum(e.decoders), sum(e.other_edges) "
           "FROM proxies p JOIN epochs e ON e.proxy_id = p.id GROUP BY p.id ORDER BY p.name",
        into(ids), into(names), into(roles), into(epochs), into(sequences), into(reports), into(duplicates),
        into(firsts), into(lasts), into(records), into(lost), into(decoders), into(others), now;
    std::map<std::int64_t, std::size_t> at;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      at[ids[i]] = i;
      out.push_back({names[i],
                     roles[i],
                     static_cast<std::uint64_t>(epochs[i]),
                     static_cast<std::uint64_t>(sequences[i]),
                     reports[i],
                     duplicates[i],
                     firsts[i],
                     lasts[i],
                     {records[i], lost[i], decoders[i], others[i]},
                     {}});
    }
    const std::int64_t from = window.from * 1000;
    const std::int64_t to = window.to * 1000;
    std::int64_t after = from;
    std::int64_t before = to;
    Column<std::int64_t> proxies, starts, ends;
    session
        << "SELECT proxy_id, from_ms, to_ms FROM coverage WHERE to_ms > ? AND from_ms < ? ORDER BY proxy_id, from_ms",
        into(proxies), into(starts), into(ends), use(after), use(before), now;
    for (std::size_t i = 0; i < proxies.size(); ++i) {
      const auto proxy = at.find(proxies[i]);
      if (proxy != at.end()) out[proxy->second].covered.push_back({std::max(starts[i], from), std::min(ends[i], to)});
    }
  }));
  return out;
}

Result<std::vector<record::VerdictSum>> SqliteGraphSnapshot::verdicts(graph::Window window) {
  std::vector<record::VerdictSum> out;
  LOAM_TRY(reader_->attempt("reading the verdicts", [&](Session& session) { out = readVerdicts(session, window); }));
  return out;
}

Result<std::uint64_t> SqliteGraphSnapshot::revision() {
  std::uint64_t value = 0;
  LOAM_TRY(reader_->attempt("reading the revision", [&](Session& session) {
    session << "SELECT value FROM counters WHERE name = 'revision'", into(value), now;
  }));
  return value;
}

}  // namespace loam::db
