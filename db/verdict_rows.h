#pragma once

#include <Poco/Data/Session.h>

#include <cstdint>
#include <vector>

#include "proxy/wire/report.h"
#include "shadow/record/calls.h"

namespace loam::db {

/// The rows of what features denied. All of it throws POCO's exceptions; what writes stands inside the caller's
/// transaction.

/// Adds the verdicts of a report. At most `most` different ones are kept; returns how many verdicts had to be counted
/// in one whose addresses are unspecified and whose rule is "other".
std::uint64_t writeVerdicts(Poco::Data::Session& session, const wire::Report& report, std::size_t most);

/// Moves what lies before the horizon of its level to the next one, and deletes what lies before the last: after the
/// horizons moved.
void rollUpVerdicts(Poco::Data::Session& session);

/// Sums of the buckets that overlap the window, in no order.
std::vector<record::VerdictSum> readVerdicts(Poco::Data::Session& session, graph::Window window);

}  // namespace loam::db
