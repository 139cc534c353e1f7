#include "proxy/filters/exchange_share.h"

#include <algorithm>

#include "proxy/base/stable_hash.h"
#include "proxy/http/http1_head.h"

namespace loam::filters {

namespace {

/// The trace id of "00-TRACE-PARENT-FLAGS"; empty where there is none.
std::string_view traceOf(const filter::ExchangeView& view) {
  const std::string_view parent = http::find(view.headers, "traceparent");
  constexpr std::size_t kVersion = 3;
  constexpr std::size_t kTrace = 32;
  if (parent.size() < kVersion + kTrace + 1 || parent[2] != '-' || parent[kVersion + kTrace] != '-') return {};
  return parent.substr(kVersion, kTrace);
}

}  // namespace

std::string_view unitOf(const filter::Exchange& exchange) {
  const std::string_view trace = traceOf(exchange.view);
  if (!trace.empty()) return trace;
  return {reinterpret_cast<const char*>(&exchange.dice), sizeof exchange.dice};
}

bool ExchangeShare::has(const filter::Exchange& exchange) const {
  if (share >= kWhole) return true;
  return share > 0 && hasUnit(unitOf(exchange));
}

bool ExchangeShare::hasUnit(std::string_view unit) const {
  return share >= kWhole || bucketOf(salt, unit) < static_cast<std::uint32_t>(std::max(share, 0));
}

}  // namespace loam::filters
