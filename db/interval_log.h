#pragma once

#include <Poco/Data/Session.h>

#include <cstdint>

namespace loam::db {

/// Counts a sequence number of a proxy's epoch; false when it was counted before. Throws POCO's exceptions.
bool countSequence(Poco::Data::Session& session, std::int64_t proxy, std::int64_t epoch, std::int64_t sequence);

/// Adds [from, to) in unix milliseconds to what a proxy's reports cover. Throws POCO's exceptions.
void addCoverage(Poco::Data::Session& session, std::int64_t proxy, std::int64_t from, std::int64_t to);

}  // namespace loam::db
