#pragma once

#include <json/value.h>

#include "proxy/filter/http_filter.h"
#include "proxy/filters/exchange_share.h"
#include "proxy/filters/timeouts.h"

namespace loam::filters {

/// The bounds that hold for this exchange. Pure; valid as long as the settings.
const ExchangeTimeouts& decide(const filter::Exchange& exchange, const TimeoutsSettings& settings);

/// A service's `timeouts` on exchanges: says how long each may take, which who forwards it keeps to.
class TimeoutsFilter final : public filter::HttpFilter {
 public:
  /// As a snapshot says it. InvalidArgument names what cannot be read of the settings.
  static Result<std::unique_ptr<const TimeoutsFilter>> make(ExchangeShare share, const Json::Value& settings);

  TimeoutsFilter(TimeoutsSettings settings, ExchangeShare share)
      : settings_(std::move(settings)), share_(std::move(share)) {}

  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override;

 private:
  const TimeoutsSettings settings_;
  const ExchangeShare share_;
};

}  // namespace loam::filters
