#pragma once

#include <Poco/Data/Session.h>

#include <cstdint>

#include "shadow/record/limits.h"

namespace loam::db {

/// Moves the buckets of 10 s that are old enough into every level, deletes from each level what it need not keep, and
/// the coverage that is older than all of them. Inside the caller's transaction; throws POCO's exceptions. `now` in
/// unix seconds.
void rollUp(Poco::Data::Session& session, std::int64_t now, const record::Limits& limits);

}  // namespace loam::db
