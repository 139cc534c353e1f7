#include "db/sqlite_graph_store.h"

#include <Poco/Data/Statement.h>
#include <system_error>

#include <algorithm>
#include <mutex>

#include "db/cell_functions.h"
#include "db/database.h"
#include "db/flow_index.h"
#include "db/report_writer.h"
#include "db/roll_up.h"
#include "db/schemas.h"
#include "db/sqlite_graph_snapshot.h"

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;
using Poco::Data::Session;

constexpr std::uint64_t kMostWalBytes = 64ULL * 1024 * 1024;

/// The store over one writing connection. What a failed transaction left in memory is read again from the file.
class SqliteGraphStore final : public record::GraphStore {
 public:
  SqliteGraphStore(std::filesystem::path path, const record::Limits& limits)
      : path_(std::move(path)), limits_(limits), index_(limits), readers_(path_, &defineCellFunctions) {}

  Status open() {
    writer_.reset();
    database_.reset();
    auto database = Database::openWriter(path_, graphSchema());
    if (!database) return fail(std::move(database).error());
    database_ = *std::move(database);
    LOAM_TRY(database_->attempt("reading the index", [&](Session& session) {
      defineCellFunctions(session);
      index_.load(session);
      writer_ = std::make_unique<ReportWriter>(session, index_, limits_);
    }));
    return {};
  }

  Result<std::vector<bool>> ingest(std::span<const wire::Report> reports) override {
    const std::lock_guard lock(mutex_);
    std::vector<bool> counted;
    LOAM_TRY(write("counting reports", [&](Session&) {
      for (const wire::Report& report : reports) counted.push_back(writer_->write(report));
      writer_->finish(static_cast<std::uint64_t>(std::count(counted.begin(), counted.end(), true)));
    }));
    for (const bool one : counted) ++(one ? reports_ : duplicates_);
    return counted;
  }

  Result<std::unique_ptr<record::GraphSnapshot>> snapshot() const override {
    IndexView view;
    {
      const std::lock_guard lock(mutex_);
      view = {index_.flows(), index_.routes()};
    }
    return SqliteGraphSnapshot::begin(readers_, std::move(view));
  }

  Status nameAddress(const std::string& scope, const SocketAddress& address, const std::string& name) override {
    const std::lock_guard lock(mutex_);
    return write("naming an address", [&](Session& session) {
      std::string where = scope;
      std::string text = address.ip.text();
      std::string wanted = name;
      int port = address.port;
      session << "DELETE FROM claims WHERE scope = ? AND address = ? AND port = ? AND source = 'operator'", use(where),
          use(text), use(port), now;
      if (!wanted.empty()) {
        session << "INSERT INTO claims (scope, address, port, source, name, seen, first_seen, last_seen) "
                   "VALUES (?, ?, ?, 'operator', ?, 1, 0, 0)",
            use(where), use(text), use(port), use(wanted), now;
      }
      writer_->finish(1);
    });
  }

  Status nameNode(const std::string& node, const std::string& name) override {
    const std::lock_guard lock(mutex_);
    return write("naming a node", [&](Session& session) {
      std::string from = node;
      std::string to = name;
      session << "DELETE FROM aliases WHERE node = ?", use(from), now;
      if (!to.empty()) session << "INSERT INTO aliases (node, name) VALUES (?, ?)", use(from), use(to), now;
      writer_->finish(1);
    });
  }

  Status rollUp(std::int64_t at) override {
    const std::lock_guard lock(mutex_);
    LOAM_TRY(write("rolling up", [&](Session& session) { db::rollUp(session, at, limits_); }));
    index_.refresh(at);
    // A reader that held the log kept it from being reused: cut it when it may be.
    if (sizeOf("-wal") > kMostWalBytes) return database_->script("cutting the log", "PRAGMA wal_checkpoint(TRUNCATE)");
    return {};
  }

  record::StoreCounters counters() const override {
    const std::lock_guard lock(mutex_);
    const Folds& folds = index_.folds;
    return {.reports = reports_,
            .duplicates = duplicates_,
            .failures = failures_,
            .foldedEdges = folds.edges,
            .foldedPeers = folds.peers,
            .foldedRoutes = folds.routes,
            .foldedIdentities = folds.identities,
            .droppedClaims = folds.claims,
            .edges = index_.edgeCount(),
            .flows = index_.flowCount(),
            .bytes = sizeOf(""),
            .walBytes = sizeOf("-wal"),
            .foldedVerdicts = folds.verdicts};
  }

 private:
  /// One transaction; after a failure the index is that of the file again, and a broken connection is opened anew.
  template <class Body>
  Status write(std::string_view what, Body&& body) {
    if (!writer_) LOAM_TRY(open());
    Status done = database_->transaction(what, body);
    if (done) return done;
    ++failures_;
    writer_->discard();
    // What the log holds twice may be room enough.
    if (done.error().code == ErrorCode::Exhausted)
      (void)database_->script("cutting the log", "PRAGMA wal_checkpoint(TRUNCATE)");
    // Nothing that an I/O error touched is trusted: the file is opened and checked again, now or at the next write.
    const bool doubtful = done.error().code == ErrorCode::Io ||
                          !database_->attempt("reading the index", [&](Session& session) { index_.load(session); });
    if (doubtful) writer_.reset();
    return done;
  }

  std::uint64_t sizeOf(const char* suffix) const {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(path_.string() + suffix, ignored);
    return ignored ? 0 : size;
  }

  const std::filesystem::path path_;
  const record::Limits limits_;
  mutable std::mutex mutex_;
  FlowIndex index_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<ReportWriter> writer_;
  mutable ReaderPool readers_;
  std::uint64_t reports_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace

Result<std::unique_ptr<record::GraphStore>> openGraphStore(const std::filesystem::path& path,
                                                           const record::Limits& limits) {
  auto store = std::make_unique<SqliteGraphStore>(path, limits);
  LOAM_TRY(store->open());
  return store;
}

}  // namespace loam::db
