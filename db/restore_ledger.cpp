#include "db/restore_ledger.h"

#include <Poco/Data/Statement.h>
#include <system_error>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "db/database.h"
#include "db/ledger_check.h"
#include "db/ledger_statements.h"
#include "db/schemas.h"
#include "proxy/base/durable_file.h"

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;
using Poco::Data::Session;
using Path = std::filesystem::path;

Path with(const Path& path, const std::string& suffix) { return path.string() + suffix; }

bool hasBytes(const Path& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return !none && size != 0;
}

void removeCopy(const Path& copy) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal", ".lock"})
    std::filesystem::remove(with(copy, suffix), ignored);
}

Status makeCopy(const Path& backup, const Path& copy) {
  if (!hasBytes(backup)) return fail(ErrorCode::NotFound, "there is nothing in " + backup.string());
  for (const char* suffix : {"-wal", "-journal"}) {
    if (hasBytes(with(backup, suffix)))
      return fail(ErrorCode::Conflict, backup.string() + " is no backup but a file in use: " + backup.string() +
                                           suffix + " holds a part of it; let a controller make a backup of it");
  }
  std::error_code failed;
  std::filesystem::copy_file(backup, copy, failed);
  if (!failed)
    std::filesystem::permissions(copy, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
                                 failed);
  if (failed) return fail(systemError(failed.value(), "copying " + backup.string() + " to " + copy.string()));
  return {};
}

/// Before anything opens it as its own: a file without an owner would be taken for a new ledger.
Status checkOwner(const Path& copy) {
  auto reader = Database::openReader(copy);
  if (!reader) return fail(std::move(reader).error());
  std::int32_t application = 0;
  LOAM_TRY((*reader)->attempt(
      "opening", [&application](Session& session) { session << "PRAGMA application_id", into(application), now; }));
  if (application == controlSchema().application) return {};
  return fail(ErrorCode::Unsupported, copy.string() + " belongs to another program: it is no control ledger");
}

/// The epoch of the last controller that served from a file; 0 where that cannot be told.
std::uint64_t epochIn(Session& session) {
  const auto document = readDocument(session, "controller", "epoch");
  return document && document->body["epoch"].isUInt64() ? document->body["epoch"].asUInt64() : 0;
}

std::uint64_t epochOf(const Path& file) {
  std::uint64_t epoch = 0;
  if (!hasBytes(file)) return epoch;
  auto reader = Database::openReader(file);
  if (reader) (void)(*reader)->attempt("reading the epoch", [&epoch](Session& session) { epoch = epochIn(session); });
  return epoch;
}

/// The next controller's generations have to be newer than what proxies have of the lost one, also where clocks went
/// back: its epoch is beyond that of both files.
void raiseEpoch(Session& session, std::uint64_t lost) {
  auto document = readDocument(session, "controller", "epoch");
  if (!document) return;
  document->body["epoch"] = Json::UInt64(std::max(epochIn(session), lost) + 1);
  writeDocument(session, *document);
}

/// Checks all of it, and leaves it as the controller will find it. `lost`: epoch of the file that it replaces.
Status prepareCopy(const Path& copy, std::uint64_t lost) {
  LOAM_TRY(checkOwner(copy));
  auto database = Database::openWriter(copy, controlSchema());
  if (!database) return fail(std::move(database).error());
  std::string verdict;
  LOAM_TRY((*database)->attempt("checking", [&verdict](Session& session) {
    session << "PRAGMA integrity_check(1)", into(verdict), now;
    (void)readDocuments(session);
  }));
  if (verdict != "ok") return fail(ErrorCode::Io, copy.string() + " is damaged (" + verdict + ")");
  LOAM_TRY(checkHead(**database));
  if (const auto verified = verifyEvents(**database); !verified) return fail(verified.error());
  LOAM_TRY((*database)->transaction("preparing", [lost](Session& session) {
    raiseEpoch(session, lost);
    audit::Head head = readHead(session);
    head.revision += kRestoreLeap;
    writeHead(session, head);
  }));
  database->reset();
  if (hasBytes(with(copy, "-wal"))) return fail(ErrorCode::Io, "closing " + copy.string() + " left its log behind");
  return syncFile(copy);
}

/// Brings the old file's log into it, where it can be read, so that the two need not be kept together. Conflict when
/// another program has it open: one that closes it later would take the new file's log for its own.
Status foldLog(const Path& target) {
  std::error_code ignored;
  if (!std::filesystem::exists(target, ignored)) return {};
  auto old = Database::openReader(target);
  if (!old) return {};
  (void)(*old)->script("opening for its log", "PRAGMA query_only = 0");
  const Status folded = (*old)->script("bringing the log in", "PRAGMA journal_mode = DELETE");
  if (!folded && folded.error().code == ErrorCode::Timeout)
    return fail(ErrorCode::Conflict, target.string() + " is open in another program; close it there first");
  return {};
}

/// Gives the old file a second name; none when there is no old file.
Result<Path> keepOld(const Path& target) {
  Path aside;
  for (int i = 1; aside.empty(); ++i) {
    const Path name = with(target, ".replaced-" + std::to_string(i));
    if (hasBytes(with(name, "-wal")) || hasBytes(with(name, "-journal"))) continue;
    if (::link(target.c_str(), name.c_str()) != 0) {
      if (errno == EEXIST) continue;
      if (errno == ENOENT) return Path();
      return fail(systemError(errno, "keeping " + target.string() + " as " + name.string()));
    }
    aside = name;
  }
  return aside;
}

/// Takes away what the new file must not find: a log that could not be brought into the old one goes with it.
Status moveLogs(const Path& target, const Path& aside) {
  const Path kept = aside.empty() ? with(target, ".replaced-0") : aside;
  std::error_code failed;
  std::filesystem::remove(with(target, "-shm"), failed);
  for (const char* suffix : {"-wal", "-journal"}) {
    const Path log = with(target, suffix);
    if (!failed && hasBytes(log)) std::filesystem::rename(log, with(kept, suffix), failed);
    if (!failed) std::filesystem::remove(log, failed);
  }
  if (failed) return fail(systemError(failed.value(), "moving the log of " + target.string() + " away"));
  return syncDirectoryOf(target);
}

Result<Path> replace(const Path& copy, const Path& target) {
  LOAM_TRY(foldLog(target));
  auto aside = keepOld(target);
  if (!aside) return aside;
  LOAM_TRY(moveLogs(target, *aside));
  if (::rename(copy.c_str(), target.c_str()) != 0)
    return fail(systemError(errno, "putting " + copy.string() + " in the place of " + target.string()));
  LOAM_TRY(syncDirectoryOf(target));
  return aside;
}

/// The same error about the backup: its copy is nobody's business.
Error about(const Path& backup, const Path& copy, Error error) {
  const std::string from = copy.string();
  const std::string to = backup.string();
  for (auto at = error.context.find(from); at != std::string::npos; at = error.context.find(from, at + to.size()))
    error.context.replace(at, from.size(), to);
  error.context.insert(0, "not restored, nothing was changed: ");
  return error;
}

}  // namespace

Result<Path> restoreLedger(const Path& backup, const Path& target) {
  const auto lock = lockFile(target);
  if (!lock) return fail(lock.error());
  const Path copy = with(target, ".restoring");
  std::error_code ignored;
  if (std::filesystem::equivalent(backup, copy, ignored))
    return fail(ErrorCode::InvalidArgument, backup.string() + " is of a restore that was cut off; name another backup");
  removeCopy(copy);  // of a restore that was cut off
  Status ready = makeCopy(backup, copy);
  if (ready) ready = prepareCopy(copy, epochOf(target));
  if (!ready) {
    removeCopy(copy);
    return fail(about(backup, copy, std::move(ready).error()));
  }
  auto aside = replace(copy, target);
  removeCopy(copy);
  return aside;
}

}  // namespace loam::db
