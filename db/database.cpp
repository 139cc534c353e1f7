#include "db/database.h"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/SQLite/Utility.h>
#include <Poco/Data/Statement.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>

#include "proxy/base/durable_file.h"

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;  // into, now, use
namespace sqlite = Poco::Data::SQLite;

constexpr std::size_t kOpenSeconds = 5;
constexpr int kBusyMilliseconds = 5000;

Result<Poco::Data::Session> openSession(const std::filesystem::path& path) {
  static std::once_flag registered;
  std::call_once(registered, [] { sqlite::Connector::registerConnector(); });
  try {
    return Poco::Data::Session(sqlite::Connector::KEY, path.string(), kOpenSeconds);
  } catch (const Poco::Exception& e) {
    return fail(ErrorCode::Io, "opening " + path.string() + ": " + e.displayText());
  }
}

std::int64_t pragma(Poco::Data::Session& session, const char* statement) {
  std::int64_t value = 0;
  session << statement, into(value), now;
  return value;
}

ErrorCode codeOf(int sqliteCode) {
  switch (sqliteCode & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::Exhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::Timeout;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::Denied;
    case SQLITE_NOTADB:
      return ErrorCode::Unsupported;
    default:
      return ErrorCode::Io;
  }
}

/// Before SQLite makes it with the mode that the umask leaves.
Status makePrivate(const std::filesystem::path& path) {
  const Descriptor made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  // A file that is there is not opened here: closing it would drop the locks that this process holds on it.
  if (!made && errno != EEXIST) return fail(systemError(errno, "making " + path.string()));
  return {};
}

/// What to do about a file that SQLite cannot make sense of.
std::string advice(int sqliteCode) {
  switch (sqliteCode & 0xff) {
    case SQLITE_CORRUPT:
      return " (the file is damaged; restore a backup or move it away to begin a new one)";
    case SQLITE_NOTADB:
      return " (it is no database; move it away or name another file)";
    default:
      return {};
  }
}

}  // namespace

Result<Descriptor> lockFile(const std::filesystem::path& path) {
  const std::string name = path.string() + ".lock";
  Descriptor lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return fail(systemError(errno, "opening " + name));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return fail(ErrorCode::Conflict, path.string() + " is in use by another process (it holds " + name + ")");
    return fail(systemError(errno, "locking " + name));
  }
  return lock;
}

Database::Database(std::filesystem::path path, Descriptor lock, Poco::Data::Session session)
    : path_(std::move(path)), lock_(std::move(lock)), session_(std::move(session)) {}

Database::~Database() {
  (void)attempt("closing", [](Poco::Data::Session& session) { session.close(); });
}

Result<std::unique_ptr<Database>> Database::openWriter(const std::filesystem::path& path, const Schema& schema) {
  auto lock = lockFile(path);
  if (!lock) return fail(std::move(lock).error());
  LOAM_TRY(makePrivate(path));
  auto session = openSession(path);
  if (!session) return fail(std::move(session).error());
  std::unique_ptr<Database> database(new Database(path, *std::move(lock), *std::move(session)));
  LOAM_TRY(database->checkWriter(schema));
  LOAM_TRY(database->prepareWriter(schema));
  LOAM_TRY(database->migrate(schema));
  return database;
}

Result<std::unique_ptr<Database>> Database::openReader(const std::filesystem::path& path) {
  auto session = openSession(path);
  if (!session) return fail(std::move(session).error());
  std::unique_ptr<Database> database(new Database(path, Descriptor(), *std::move(session)));
  LOAM_TRY(database->attempt("opening for reading", [](Poco::Data::Session& opened) {
    sqlite3* const handle = sqlite::Utility::dbHandle(opened);
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    pragma(opened, "PRAGMA query_only = 1");
    pragma(opened, "PRAGMA wal_autocheckpoint = 0");
    pragma(opened, "PRAGMA mmap_size = 0");
    pragma(opened, "PRAGMA cache_size = -32768");
  }));
  return database;
}

Status Database::checkWriter(const Schema& schema) {
  std::int64_t application = 0;
  std::int64_t version = 0;
  std::int64_t objects = 0;
  LOAM_TRY(attempt("opening", [&](Poco::Data::Session& session) {
    sqlite3_busy_timeout(sqlite::Utility::dbHandle(session), kBusyMilliseconds);
    application = pragma(session, "PRAGMA application_id");
    version = pragma(session, "PRAGMA user_version");
    session << "SELECT count(*) FROM sqlite_master", into(objects), now;
  }));
  const bool fresh = application == 0 && version == 0 && objects == 0;
  if (!fresh && application != schema.application) {
    return fail(ErrorCode::Unsupported, path_.string() + " belongs to another program: it is no " +
                                            std::string(schema.what) + "; move it away or name another file");
  }
  const int newest = schema.migrations.back().version;
  if (version > newest) {
    return fail(ErrorCode::Unsupported, path_.string() + " has schema " + std::to_string(version) +
                                            ", this program knows up to " + std::to_string(newest) +
                                            "; start the newer program that wrote it");
  }
  std::string verdict;
  LOAM_TRY(attempt("checking",
                   [&](Poco::Data::Session& session) { session << "PRAGMA quick_check(1)", into(verdict), now; }));
  if (verdict != "ok") {
    return fail(ErrorCode::Io,
                path_.string() + " is damaged (" + verdict + "); restore a backup or move it away to begin a new one");
  }
  return {};
}

Status Database::prepareWriter(const Schema& schema) {
  return attempt("preparing", [&schema](Poco::Data::Session& session) {
    std::string mode;
    session << "PRAGMA journal_mode = WAL", into(mode), now;
    pragma(session, schema.precious ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    pragma(session, "PRAGMA mmap_size = 0");
    pragma(session, "PRAGMA foreign_keys = 1");
    pragma(session, "PRAGMA cache_size = -65536");
    pragma(session, "PRAGMA temp_store = MEMORY");
    pragma(session, "PRAGMA journal_size_limit = 67108864");
  });
}

Status Database::migrate(const Schema& schema) {
  std::int64_t version = 0;
  LOAM_TRY(attempt("reading the schema's version",
                   [&](Poco::Data::Session& session) { version = pragma(session, "PRAGMA user_version"); }));
  if (schema.precious && version > 0 && version < schema.migrations.back().version) {
    const std::filesystem::path copy = path_.string() + ".schema-" + std::to_string(version);
    std::error_code ignored;
    std::filesystem::remove(copy, ignored);  // of a migration that failed
    LOAM_TRY(copyTo(copy));
  }
  for (const Migration& migration : schema.migrations) {
    if (migration.version <= version) continue;
    const std::string stamp = "PRAGMA application_id = " + std::to_string(schema.application) +
                              "; PRAGMA user_version = " + std::to_string(migration.version) + ";";
    const Status done = script(std::string("migration ") + migration.name,
                               "BEGIN IMMEDIATE;" + std::string(migration.sql) + stamp + "COMMIT;");
    if (!done) {
      (void)script("rolling back", "ROLLBACK");
      return done;
    }
  }
  return {};
}

Status Database::script(std::string_view what, const std::string& sql) {
  return attempt(what, [&sql](Poco::Data::Session& session) {
    sqlite3* const handle = sqlite::Utility::dbHandle(session);
    const int code = sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) sqlite::Utility::throwException(handle, code);
  });
}

Status Database::copyTo(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) return fail(ErrorCode::Conflict, file.string() + " exists already");
  std::string partial = file.string() + ".partial-XXXXXX";
  const Descriptor made(::mkstemp(partial.data()));
  if (!made) return fail(systemError(errno, "making " + partial));
  Status done = attempt("copying into " + partial,
                        [&partial](Poco::Data::Session& session) { session << "VACUUM INTO ?", use(partial), now; });
  if (done) done = syncFile(partial);
  if (done) done = renameToNew(partial, file);
  if (!done) std::filesystem::remove(partial, ignored);
  return done;
}

Status Database::transactionOf(std::string_view what, const std::function<void(Poco::Data::Session&)>& body) {
  LOAM_TRY(script(what, "BEGIN IMMEDIATE"));
  Status done = attempt(what, [&body](Poco::Data::Session& session) { body(session); });
  if (done) done = script(what, "COMMIT");
  if (!done && sqlite3_get_autocommit(sqlite::Utility::dbHandle(session_)) == 0) (void)script(what, "ROLLBACK");
  return done;
}

Error Database::translate(std::string_view what, std::exception_ptr thrown) const {
  const std::string where = path_.string() + ": " + std::string(what) + ": ";
  try {
    std::rethrow_exception(thrown);
  } catch (const sqlite::SQLiteException& e) {
    sqlite3* const handle = sqlite::Utility::dbHandle(session_);
    const int code = handle != nullptr ? sqlite3_errcode(handle) : SQLITE_IOERR;
    const ErrorCode mapped =
        dynamic_cast<const sqlite::DatabaseFullException*>(&e) != nullptr ? ErrorCode::Exhausted : codeOf(code);
    return {mapped, where + e.displayText() + advice(code), ErrorOrigin::Local, mapped == ErrorCode::Timeout};
  } catch (const Poco::Exception& e) {
    return {ErrorCode::Io, where + e.displayText(), ErrorOrigin::Local, false};
  } catch (const std::exception& e) {
    return {ErrorCode::Io, where + e.what(), ErrorOrigin::Local, false};
  }
}

}  // namespace loam::db
