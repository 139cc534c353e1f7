#include "shadow/record/cell.h"

#include <algorithm>
#include <array>

namespace loam::record {

namespace {

constexpr std::uint8_t kForm = 1;
constexpr std::uint8_t kFormWithDenied = 2;  // of counts

constexpr std::array kCounters{&wire::Counts::connections,    &wire::Counts::failedConnections,
                               &wire::Counts::tlsConnections, &wire::Counts::requests,
                               &wire::Counts::errors,         &wire::Counts::resets,
                               &wire::Counts::bytesSent,      &wire::Counts::bytesReceived};

/// The byte in front; 0 where there is none.
std::uint8_t takeForm(ByteView& in) {
  if (in.empty()) return 0;
  const std::uint8_t form = in.front();
  in = in.subspan(1);
  return form;
}

void addLatency(ByteView in, Histogram& histogram) {
  std::uint64_t bucket = 0;
  std::uint64_t step = 0;
  std::uint64_t times = 0;
  while (takeNumber(in, step) && takeNumber(in, times)) {
    bucket += step;
    if (step >= Histogram::kBuckets || bucket >= Histogram::kBuckets) return;
    histogram.add(static_cast<std::uint32_t>(bucket), times);
  }
}

}  // namespace

void putNumber(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

bool takeNumber(ByteView& in, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const std::uint8_t byte = in.front();
    in = in.subspan(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

void putBytes(Bytes& out, ByteView bytes) {
  putNumber(out, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

bool takeBytes(ByteView& in, ByteView& bytes) {
  std::uint64_t size = 0;
  if (!takeNumber(in, size) || size > in.size()) return false;
  bytes = in.first(size);
  in = in.subspan(size);
  return true;
}

Bytes encodeCounts(const wire::Counts& counts) {
  Bytes out{counts.denied == 0 ? kForm : kFormWithDenied};
  for (const auto counter : kCounters) putNumber(out, counts.*counter);
  if (counts.denied != 0) putNumber(out, counts.denied);
  const Bytes latency = counts.latency.encode();
  out.insert(out.end(), latency.begin(), latency.end());
  return out;
}

void addCounts(ByteView cell, wire::Counts& counts) {
  const std::uint8_t form = takeForm(cell);
  if (form != kForm && form != kFormWithDenied) return;
  std::uint64_t value = 0;
  for (const auto counter : kCounters) {
    if (!takeNumber(cell, value)) return;
    counts.*counter += value;
  }
  if (form == kFormWithDenied) {
    if (!takeNumber(cell, value)) return;
    counts.denied += value;
  }
  addLatency(cell, counts.latency);
}

Bytes encodeRoutes(const std::vector<RouteCell>& routes) {
  Bytes out{kForm};
  for (const RouteCell& route : routes) {
    putNumber(out, static_cast<std::uint64_t>(route.route));
    putNumber(out, route.counts.requests);
    putNumber(out, route.counts.errors);
    putBytes(out, route.counts.latency.encode());
  }
  return out;
}

void addRoutes(ByteView cell, std::vector<RouteCell>& routes) {
  if (takeForm(cell) != kForm) return;
  std::uint64_t id = 0;
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  ByteView latency;
  while (takeNumber(cell, id) && takeNumber(cell, requests) && takeNumber(cell, errors) && takeBytes(cell, latency)) {
    const auto route = static_cast<std::int64_t>(id);
    auto at = std::lower_bound(routes.begin(), routes.end(), route,
                               [](const RouteCell& entry, std::int64_t wanted) { return entry.route < wanted; });
    if (at == routes.end() || at->route != route) at = routes.insert(at, RouteCell{route, {}});
    at->counts.requests += requests;
    at->counts.errors += errors;
    addLatency(latency, at->counts.latency);
  }
}

}  // namespace loam::record
