#pragma once

#include <cstdint>
#include <string>

#include "proxy/base/clock.h"
#include "proxy/base/result.h"

namespace loam::report {

/// The epoch of this start of the proxy: unix milliseconds of `now`, or one more than the last where the clock went
/// back, kept in the file `path` (replaced atomically and synced before this returns). Strictly greater at each start.
/// A damaged file counts as none; one that cannot be written is an error.
Result<std::uint64_t> nextEpoch(const std::string& path, Wall now);

}  // namespace loam::report
