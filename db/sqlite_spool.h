#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "proxy/base/result.h"
#include "shadow/report/spool.h"

namespace loam::db {

struct SpoolLimits {
  std::size_t reports = 50'000;                ///< more than a day of one every 2 s
  std::uint64_t bytes = 256ULL * 1024 * 1024;  ///< of the reports
};

/// Opens (or makes) a proxy's spool. A damaged file is moved aside to PATH.damaged (`movedAside` true) and a new one
/// begun; a file of another program or a newer schema is refused, as is one that another process holds.
Result<std::unique_ptr<report::Spool>> openSpool(const std::filesystem::path& path, const SpoolLimits& limits = {},
                                                 bool* movedAside = nullptr);

}  // namespace loam::db
