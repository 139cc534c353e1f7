#pragma once

#include <json/value.h>

#include <memory>
#include <string_view>

#include "proxy/filter/http_filter.h"
#include "proxy/filters/exchange_share.h"
#include "proxy/filters/retries.h"
#include "proxy/upstream/retry_budget.h"

namespace loam::filters {

/// Whether an exchange whose last sending came to `came` is to be sent again, were there attempts and budget left.
/// Pure. Never what the client did, nothing of which an answer went on, and of what a server may have seen bytes of
/// only what may be done twice (RFC 9110 9.2.2, and what the settings name besides).
bool decide(const filter::Exchange& exchange, const Result<filter::Response>& came, const RetriesSettings& settings);

/// A service's retries at its callers' side. What is repeated goes over a connection of its own; what a repeat brings,
/// good or bad, is the answer. The budget grows with what goes well: where everything fails there is next to none, so
/// that hops one behind the other do not multiply the load of the last one.
class RetriesFilter final : public filter::HttpFilter {
 public:
  /// A server that asks for longer than this before it is asked again is not: its answer goes to the client, who hears
  /// so himself.
  static constexpr seconds kMostRetryAfter{5};

  /// As a snapshot says it; its budget counts in `service`. InvalidArgument names what cannot be read.
  static Result<std::unique_ptr<const RetriesFilter>> make(ExchangeShare share, const Json::Value& settings,
                                                           std::shared_ptr<upstream::ServiceState> service);

  RetriesFilter(RetriesSettings settings, ExchangeShare share, std::shared_ptr<upstream::ServiceState> service);

  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override;

 private:
  io::Task<Result<filter::Response>> repeated(filter::Exchange& exchange, filter::Next next) const;
  /// False: what came is the answer.
  bool takesRepeat(unsigned repeat, std::optional<nanoseconds> wait, filter::Exchange& exchange) const;
  /// How long to wait before the `repeat`-th; nothing: it would be too late.
  std::optional<nanoseconds> waitBefore(unsigned repeat, const filter::Exchange& exchange) const;

  const RetriesSettings settings_;
  const ExchangeShare share_;
  const upstream::RetryBudget budget_;
};

}  // namespace loam::filters
