#include "proxy/filters/exchange_share.h"

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

bool ExchangeShare::has(const filter::Exchange& exchange) const {
  if (share >= kWhole) return true;
  if (share <= 0) return false;
  std::string_view unit = traceOf(exchange.view);
  if (unit.empty()) unit = {reinterpret_cast<const char*>(&exchange.dice), sizeof exchange.dice};
  return bucketOf(salt, unit) < static_cast<std::uint32_t>(share);
}

}  // namespace loam::filters
