#pragma once

#include <filesystem>
#include <memory>

#include "db/sqlite_spool.h"

namespace loam::db {

/// Spools of one state directory at the most: a proxy, and those that still drain beside it.
constexpr int kMostSpools = 16;

/// Opens the spool of a proxy whose predecessor may still be relaying its last connections in the same directory: the
/// first of spool.db, spool-1.db, ... that nobody holds. What such predecessors left unsent is moved into it, now and
/// at each adopt(), and their files removed. Conflict when all are held.
Result<std::unique_ptr<report::Spool>> openFreeSpool(const std::filesystem::path& directory,
                                                     const SpoolLimits& limits = {}, bool* movedAside = nullptr);

}  // namespace loam::db
