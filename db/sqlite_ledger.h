#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "proxy/base/clock.h"
#include "proxy/base/result.h"
#include "rollout/audit/ledger.h"

namespace loam::db {

struct LedgerLimits {
  /// How long a commit waits for another program that writes to the file; it waits twice, then it is Timeout (F5).
  milliseconds busy{5000};
  /// The write-ahead log is cut when it is longer, as soon as no reader needs it (F6).
  std::uint64_t logBytes = 64ULL * 1024 * 1024;
};

/// Opens (or makes) control.db. Conflict when another process holds it, Unsupported for a file of a newer schema or
/// another program, Io for a damaged one: each names the file and what to do. `clock` outlives the ledger.
Result<std::unique_ptr<audit::Ledger>> openLedger(const std::filesystem::path& path, const Clock& clock,
                                                  const LedgerLimits& limits = {});

}  // namespace loam::db
