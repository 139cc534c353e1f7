#pragma once

#include "proxy/filter/exchange.h"
#include "proxy/filters/match.h"

namespace loam::filters {

/// Whether the exchange fits every member of `match`. Paths are compared in their canonical form (C1), without the
/// parameters of their segments; one that has no such form fits no path.
bool fits(const Match& match, const filter::Exchange& exchange);

/// What a cookie, or a parameter of the query, says; empty where there is none.
std::string_view cookieOf(const filter::ExchangeView& view, std::string_view name);
std::string_view parameterOf(std::string_view query, std::string_view name);

}  // namespace loam::filters
