#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/filter/exchange.h"

namespace loam::filters {

/// A share of the exchanges of a service, as a snapshot says it. The unit is the trace (W3C traceparent), so that every
/// hop of one request chooses alike and a greater share keeps whom a smaller one had; of a request without one the
/// proxy draws. Immutable.
struct ExchangeShare {
  static constexpr std::int32_t kWhole = 100'000;

  std::int32_t share = kWhole;  ///< thousandths of a percent
  std::string salt{};           ///< of the buckets

  bool has(const filter::Exchange& exchange) const;
  /// The same of a unit that is known already.
  bool hasUnit(std::string_view unit) const;
};

/// What shares of exchanges go by. Good as long as the exchange.
std::string_view unitOf(const filter::Exchange& exchange);

}  // namespace loam::filters
