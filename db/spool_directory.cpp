#include "db/spool_directory.h"

#include <string>

namespace loam::db {

namespace {

std::filesystem::path spoolPath(const std::filesystem::path& directory, int index) {
  return directory / (index == 0 ? "spool.db" : "spool-" + std::to_string(index) + ".db");
}

/// Moves what an orphaned spool holds to the end of `into`; a report that fails to move stays where it is.
Status adopt(const std::filesystem::path& path, const SpoolLimits& limits, report::Spool& into) {
  auto orphan = openSpool(path, limits);
  if (!orphan) return fail(std::move(orphan).error());
  for (;;) {
    auto report = (*orphan)->front();
    if (!report) return fail(std::move(report).error());
    if (!*report) break;
    LOAM_TRY(into.push(**report));
    LOAM_TRY((*orphan)->pop());
  }
  orphan->reset();
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + suffix, ignored);
  return {};
}

}  // namespace

Result<std::unique_ptr<report::Spool>> openFreeSpool(const std::filesystem::path& directory, const SpoolLimits& limits,
                                                     bool* movedAside) {
  int chosen = 0;
  auto spool = openSpool(spoolPath(directory, chosen), limits, movedAside);
  while (!spool && spool.error().code == ErrorCode::Conflict && ++chosen < kMostSpools) {
    spool = openSpool(spoolPath(directory, chosen), limits, movedAside);
  }
  if (!spool) return spool;
  for (int index = 0; index < kMostSpools; ++index) {
    std::error_code failed;
    if (index == chosen || !std::filesystem::exists(spoolPath(directory, index), failed)) continue;
    const Status adopted = adopt(spoolPath(directory, index), limits, **spool);
    if (!adopted && adopted.error().code != ErrorCode::Conflict) return fail(adopted.error());
  }
  return spool;
}

}  // namespace loam::db
