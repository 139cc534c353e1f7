#include "db/sqlite_ledger.h"

#include <system_error>

#include <mutex>
#include <utility>

#include "db/database.h"
#include "db/ledger_check.h"
#include "db/ledger_statements.h"
#include "db/reader_pool.h"
#include "db/schemas.h"
#include "rollout/audit/commit_plan.h"

namespace loam::db {

namespace {

using Poco::Data::Session;

/// The ledger over one writing connection. It remembers nothing between commits: where it stands is read in each
/// commit's own transaction.
class SqliteLedger final : public audit::Ledger {
 public:
  SqliteLedger(std::filesystem::path path, const Clock& clock, const LedgerLimits& limits)
      : path_(std::move(path)), clock_(clock), limits_(limits), readers_(path_) {}

  Status open() {
    database_.reset();
    auto database = Database::openWriter(path_, controlSchema());
    if (!database) return fail(std::move(database).error());
    LOAM_TRY(waitAtMost(**database, limits_.busy));
    LOAM_TRY(checkHead(**database));
    database_ = *std::move(database);
    return {};
  }

  Result<std::vector<audit::Document>> documents() const override {
    std::vector<audit::Document> out;
    LOAM_TRY(read([&out](Database& reader) {
      return reader.attempt("reading documents", [&out](Session& session) { out = readDocuments(session); });
    }));
    return out;
  }

  Result<audit::Commit> commit(std::span<const audit::Edit> edits, const std::optional<audit::Act>& act) override {
    const auto checked = audit::checkEdits(edits, act);
    if (!checked) return fail(checked.error());
    const std::lock_guard lock(mutex_);
    auto plan = write(*checked, act);
    // Both left the file as it was: one more try, the second in the room that cutting the log has made.
    if (!plan && (plan.error().code == ErrorCode::Timeout || plan.error().code == ErrorCode::Exhausted))
      plan = write(*checked, act);
    if (!plan) return fail(std::move(plan).error());
    if (logBytes() > limits_.logBytes) cutLog(milliseconds(0));
    return audit::Commit{plan->head.revision, std::move(plan->stale)};
  }

  Result<std::vector<audit::Event>> events(const audit::EventQuery& query) const override {
    std::vector<audit::Event> out;
    LOAM_TRY(read([&](Database& reader) {
      return reader.attempt("reading events", [&](Session& session) { out = readEvents(session, query); });
    }));
    return out;
  }

  Result<std::uint64_t> newest() const override {
    std::uint64_t sequence = 0;
    LOAM_TRY(read([&sequence](Database& reader) {
      return reader.attempt("reading the head",
                            [&sequence](Session& session) { sequence = readHead(session).sequence; });
    }));
    return sequence;
  }

  Result<Verified> verify() const override {
    Result<Verified> verified;
    LOAM_TRY(read([&verified](Database& reader) -> Status {
      verified = verifyEvents(reader);
      if (!verified) return fail(verified.error());
      return {};
    }));
    return verified;
  }

  Status backup(const std::filesystem::path& file) const override {
    // A connection of its own: what writes the copy may not be one that only reads.
    auto reader = Database::openReader(path_);
    if (!reader) return fail(std::move(reader).error());
    LOAM_TRY((*reader)->script("opening for a copy", "PRAGMA query_only = 0"));
    return (*reader)->copyTo(file);
  }

 private:
  /// One transaction that holds documents, events and the head. After an error whose outcome is unknown the connection
  /// is given up: the file is opened and checked again by the next commit.
  Result<audit::CommitPlan> write(std::span<const audit::Edit> edits, const std::optional<audit::Act>& act) {
    if (!database_) LOAM_TRY(open());
    audit::CommitPlan plan;
    const Status done = database_->transaction("committing", [&](Session& session) {
      std::vector<std::optional<audit::Document>> current;
      for (const audit::Edit& edit : edits) current.push_back(readDocument(session, edit.kind, edit.key));
      const audit::Head head = readHead(session);
      plan = audit::planCommit(head, edits, current, act, unixMilliseconds());
      if (plan.head == head) return;
      for (const audit::Document& document : plan.written) writeDocument(session, document);
      for (const auto& [kind, key] : plan.removed) removeDocument(session, kind, key);
      for (const audit::Event& event : plan.events) appendEvent(session, event);
      writeHead(session, plan.head);
    });
    if (done) return plan;
    if (done.error().code == ErrorCode::Exhausted) {
      cutLog(limits_.busy);  // what the log holds twice may be room enough
    } else if (done.error().code != ErrorCode::Timeout) {
      database_.reset();
    }
    return fail(done.error());
  }

  template <class Body>
  Status read(Body&& body) const {
    auto reader = readers_.take();
    if (!reader) return fail(std::move(reader).error());
    const Status done = body(**reader);
    if (done) readers_.giveBack(*std::move(reader));
    return done;
  }

  static Status waitAtMost(Database& database, milliseconds time) {
    return database.script("preparing", "PRAGMA busy_timeout = " + std::to_string(time.count()));
  }

  /// Brings the log into the file and shortens it, unless a reader needs it for longer than `patience`.
  void cutLog(milliseconds patience) {
    (void)waitAtMost(*database_, patience);
    (void)database_->script("cutting the log", "PRAGMA wal_checkpoint(TRUNCATE)");
    (void)waitAtMost(*database_, limits_.busy);
  }

  std::uint64_t logBytes() const {
    std::error_code failed;
    const auto size = std::filesystem::file_size(path_.string() + "-wal", failed);
    return failed ? 0 : size;
  }

  std::int64_t unixMilliseconds() const {
    return std::chrono::duration_cast<milliseconds>(clock_.wall().time_since_epoch()).count();
  }

  const std::filesystem::path path_;
  const Clock& clock_;
  const LedgerLimits limits_;
  std::mutex mutex_;  // of commits
  std::unique_ptr<Database> database_;
  mutable ReaderPool readers_;
};

}  // namespace

Result<std::unique_ptr<audit::Ledger>> openLedger(const std::filesystem::path& path, const Clock& clock,
                                                  const LedgerLimits& limits) {
  auto ledger = std::make_unique<SqliteLedger>(path, clock, limits);
  LOAM_TRY(ledger->open());
  return ledger;
}

}  // namespace loam::db
