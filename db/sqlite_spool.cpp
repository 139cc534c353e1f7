#include "db/sqlite_spool.h"

#include <Poco/Data/LOB.h>
#include <Poco/Data/Statement.h>
#include <system_error>

#include "db/database.h"
#include "db/schemas.h"

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;
using Poco::Data::Session;

class SqliteSpool final : public report::Spool {
 public:
  SqliteSpool(std::unique_ptr<Database> database, const SpoolLimits& limits)
      : database_(std::move(database)), limits_(limits) {}

  Status load() {
    return database_->attempt("counting the reports", [this](Session& session) {
      session << "SELECT count(*), coalesce(sum(length(report)), 0) FROM reports", into(size_), into(bytes_), now;
      session << "SELECT value FROM counters WHERE name = 'dropped'", into(dropped_), now;
    });
  }

  Status push(std::string_view report) override {
    if (report.size() > limits_.bytes)
      return fail(ErrorCode::Exhausted,
                  "a report of " + std::to_string(report.size()) + " bytes is larger than the spool");
    const Totals before{size_, bytes_, dropped_};
    const Status done = database_->transaction("keeping a report", [&](Session& session) {
      while (size_ != 0 && (size_ >= limits_.reports || bytes_ + report.size() > limits_.bytes)) dropOldest(session);
      Poco::Data::BLOB blob(reinterpret_cast<const unsigned char*>(report.data()), report.size());
      session << "INSERT INTO reports (report) VALUES (?)", use(blob), now;
      session << "UPDATE counters SET value = ? WHERE name = 'dropped' AND value <> ?", use(dropped_), use(dropped_),
          now;
      ++size_;
      bytes_ += report.size();
    });
    if (!done) std::tie(size_, bytes_, dropped_) = before;
    return done;
  }

  Result<std::optional<std::string>> front() override {
    std::optional<std::string> out;
    LOAM_TRY(database_->attempt("reading a report", [&](Session& session) {
      std::vector<Poco::Data::BLOB> reports;
      std::vector<std::int64_t> ids;
      session << "SELECT id, report FROM reports ORDER BY id LIMIT 1", into(ids), into(reports), now;
      if (ids.empty()) return;
      out = std::string(reinterpret_cast<const char*>(reports[0].rawContent()), reports[0].size());
      front_ = ids[0];
    }));
    return out;
  }

  Status pop() override {
    const Totals before{size_, bytes_, dropped_};
    const Status done =
        database_->transaction("removing a report", [this](Session& session) { remove(session, front_); });
    if (!done) std::tie(size_, bytes_, dropped_) = before;
    return done;
  }

  std::size_t size() const override { return size_; }
  std::uint64_t bytes() const override { return bytes_; }
  std::uint64_t dropped() const override { return dropped_; }

 private:
  using Totals = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;

  void dropOldest(Session& session) {
    std::int64_t id = 0;
    session << "SELECT min(id) FROM reports", into(id), now;
    remove(session, id);
    ++dropped_;
  }

  /// Nothing happens when it went already: pushed out since front() gave it.
  void remove(Session& session, std::int64_t id) {
    std::vector<std::uint64_t> lengths;
    session << "SELECT length(report) FROM reports WHERE id = ?", into(lengths), use(id), now;
    if (lengths.empty()) return;
    session << "DELETE FROM reports WHERE id = ?", use(id), now;
    --size_;
    bytes_ -= lengths[0];
  }

  std::unique_ptr<Database> database_;
  const SpoolLimits limits_;
  std::uint64_t size_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::int64_t front_ = 0;
};

Result<std::unique_ptr<report::Spool>> openOnce(const std::filesystem::path& path, const SpoolLimits& limits) {
  auto database = Database::openWriter(path, spoolSchema());
  if (!database) return fail(std::move(database).error());
  auto spool = std::make_unique<SqliteSpool>(*std::move(database), limits);
  LOAM_TRY(spool->load());
  return spool;
}

}  // namespace

Result<std::unique_ptr<report::Spool>> openSpool(const std::filesystem::path& path, const SpoolLimits& limits,
                                                 bool* movedAside) {
  if (movedAside != nullptr) *movedAside = false;
  auto spool = openOnce(path, limits);
  if (spool || spool.error().code != ErrorCode::Io) return spool;
  // Unsent reports are worth less than a proxy that can report again: the damaged file is kept for whoever wants to
  // look.
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return spool;
  const std::string aside = path.string() + ".damaged";
  std::filesystem::rename(path, aside, failed);
  if (failed) return spool;
  for (const char* suffix : {"-wal", "-shm"}) {
    std::filesystem::remove(aside + suffix, failed);
    std::filesystem::rename(path.string() + suffix, aside + suffix, failed);
  }
  if (movedAside != nullptr) *movedAside = true;
  return openOnce(path, limits);
}

}  // namespace loam::db
