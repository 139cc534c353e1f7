#pragma once

#include <json/value.h>

#include <atomic>
#include <memory>

#include "proxy/filter/http_filter.h"
#include "proxy/filters/exchange_share.h"
#include "proxy/filters/fault.h"

namespace loam::filters {

/// Whether `fault` is done to this exchange. Pure but for the draw that came with the exchange.
bool decide(const filter::Exchange& exchange, const FaultSettings& settings, const ExchangeShare& share);

/// A service's `fault` on exchanges: delay, then an abort or a made-up answer, or the server's own after all.
class FaultFilter final : public filter::HttpFilter {
 public:
  /// As a snapshot says it. InvalidArgument names what cannot be read of the settings.
  static Result<std::unique_ptr<const FaultFilter>> make(ExchangeShare share, const Json::Value& settings,
                                                         std::shared_ptr<std::atomic<std::uint32_t>> held);

  /// `held` counts those of the service that are delayed, by all workers and across snapshots.
  FaultFilter(FaultSettings settings, ExchangeShare share, std::shared_ptr<std::atomic<std::uint32_t>> held)
      : settings_(std::move(settings)), share_(std::move(share)), held_(std::move(held)) {}

  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override;

 private:
  io::Task<Result<filter::Response>> disturb(filter::Exchange& exchange, filter::Next next) const;
  milliseconds delayOf(const filter::Exchange& exchange) const;

  const FaultSettings settings_;
  const ExchangeShare share_;
  const std::shared_ptr<std::atomic<std::uint32_t>> held_;
};

}  // namespace loam::filters
