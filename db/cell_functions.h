#pragma once

#include <Poco/Data/Session.h>

namespace loam::db {

/// Teaches a connection the arithmetic of cells (shadow/record/cell.h), so that sums run inside SQLite's scan:
/// add_counts(a, b), add_routes(a, b): one cell; sum_counts(cell), sum_routes(cell): aggregates of the same;
/// collect(flow, counts[, routes]): aggregate of a whole scan, one blob of (flow, counts, routes) entries.
/// Throws POCO's exceptions: call it inside Database::attempt.
void defineCellFunctions(Poco::Data::Session& session);

}  // namespace loam::db
