#pragma once

#include <json/value.h>

#include <string_view>

#include "proxy/filter/http_filter.h"
#include "proxy/filters/exchange_share.h"
#include "proxy/filters/timeouts.h"

namespace loam::filters {

constexpr std::string_view kTimeoutsFeature = "timeouts";

/// The bounds that hold for one exchange. Both live as long as the settings.
struct TimeoutsDecision {
  const ExchangeTimeouts& timeouts;
  std::string_view rule;  ///< that has them; "default" where none fits
};
/// Pure.
TimeoutsDecision decide(const filter::Exchange& exchange, const TimeoutsSettings& settings);

/// How an exchange went that nobody bounded.
struct ExchangeTimes {
  Monotonic ended;
  nanoseconds waited{0};   ///< from the request's last byte to the answer's head, or until it ended without one
  nanoseconds silence{0};  ///< the longest without a byte in either direction
};
/// Whether it would have been given up under these bounds. Pure.
bool isOver(const filter::Bounds& bounds, const ExchangeTimes& times);

/// A service's `timeouts` on exchanges: says how long each may take, which who forwards it keeps to, and who only
/// watches it compares it with (`simulate`, which asks no share).
class TimeoutsFilter final : public filter::HttpFilter {
 public:
  /// As a snapshot says it. InvalidArgument names what cannot be read of the settings.
  static Result<std::unique_ptr<const TimeoutsFilter>> make(ExchangeShare share, const Json::Value& settings);

  TimeoutsFilter(TimeoutsSettings settings, ExchangeShare share)
      : settings_(std::move(settings)), share_(std::move(share)) {}

  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override;
  bool simulate(filter::Exchange& exchange) const override;

 private:
  void bound(filter::Exchange& exchange) const;

  const TimeoutsSettings settings_;
  const ExchangeShare share_;
};

}  // namespace loam::filters
