#pragma once

#include <filesystem>
#include <memory>

#include "proxy/base/result.h"
#include "shadow/record/graph_store.h"
#include "shadow/record/limits.h"

namespace loam::db {

/// Opens (or makes) graph.db. Conflict when another process holds it, Unsupported for a file of a newer schema or
/// another program, Io for a damaged one: each names the file and what to do.
Result<std::unique_ptr<record::GraphStore>> openGraphStore(const std::filesystem::path& path,
                                                           const record::Limits& limits = {});

}  // namespace loam::db
