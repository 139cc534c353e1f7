#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "proxy/wire/report.h"

namespace loam::record {

/// A cell is what a bucket's row keeps: the counters of wire::Counts as LEB128, then the histogram. Rows are (time,
/// flow, cell) so that a scan of a window decodes three columns a row. A byte in front tells the form: 1 is without
/// `denied`, as all cells once were and those are in which nothing was denied; 2 has it behind the others.
using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// One route's share of a cell.
struct RouteCell {
  std::int64_t route = 0;  ///< its id in the record
  wire::Counts counts;     ///< requests, errors and latency only
  bool operator==(const RouteCell&) const = default;
};

Bytes encodeCounts(const wire::Counts& counts);
/// Adds a cell's counts; bytes that are cut or of an unknown form end the reading there.
void addCounts(ByteView cell, wire::Counts& counts);

/// `routes` sorted by route.
Bytes encodeRoutes(const std::vector<RouteCell>& routes);
/// Adds a cell's routes, keeping `routes` sorted.
void addRoutes(ByteView cell, std::vector<RouteCell>& routes);

void putNumber(Bytes& out, std::uint64_t value);
/// Takes a number off the front; false when there is none.
bool takeNumber(ByteView& in, std::uint64_t& value);
/// Length and bytes.
void putBytes(Bytes& out, ByteView bytes);
bool takeBytes(ByteView& in, ByteView& bytes);

}  // namespace loam::record
