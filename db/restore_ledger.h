#pragma once

#include <cstdint>
#include <filesystem>

#include "proxy/base/result.h"

namespace loam::db {

/// How far a restored ledger's revisions stand beyond the backup's: what was committed since the backup and is lost had
/// revisions too, and none of them may come again.
constexpr std::uint64_t kRestoreLeap = 1'000'000;

/// Puts a backup in the place of control.db while no controller runs (else Conflict). A copy of it is checked first:
/// whose file it is, its schema (older ones are migrated), integrity, documents and the whole audit chain; any doubt is
/// an error that names the backup, and changes nothing. Then the old file, with what of its log could not be brought
/// into it, is kept as TARGET.replaced-N, which is returned (empty: there was none), and the copy takes its name at
/// once: there is a file at every instant. The next controller's epoch is beyond that of both.
Result<std::filesystem::path> restoreLedger(const std::filesystem::path& backup, const std::filesystem::path& target);

}  // namespace loam::db
