#pragma once

#include <json/value.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/filter/http_filter.h"
#include "proxy/filters/rate_limit.h"
#include "proxy/filters/rate_table.h"
#include "proxy/filters/source_share.h"

namespace loam::filters {

/// Who shares a bucket of this limit with the exchange. A caller whom nobody knows is his address; who has proved no
/// identity, or sends no such header, shares one bucket with all others of his kind.
std::string keyOf(const RateLimit& limit, const filter::Exchange& exchange);

/// The pace that holds for the exchange; nothing where the limit has no rate for it.
std::optional<Pace> paceOf(const RateLimit& limit, const filter::Exchange& exchange);

/// A service's rate limits on exchanges, at one of the two stages of its `rate_limit`: all that fit hold, and who is
/// refused by one costs nothing of the others. Counted over all workers of the proxy, and across snapshots.
class RateFilter final : public filter::HttpFilter {
 public:
  enum class Stage : std::uint8_t { Simulate, Enforce };

  /// As a snapshot says it; null where the settings limit no exchanges. InvalidArgument names what cannot be read.
  static Result<std::unique_ptr<const RateFilter>> make(std::string_view stage, SourceShare enforced,
                                                        const Json::Value& settings, std::shared_ptr<RateTable> rates);

  RateFilter(RateLimitSettings settings, Stage stage, SourceShare enforced, std::shared_ptr<RateTable> rates);

  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override;
  bool simulate(filter::Exchange& exchange) const override;

 private:
  /// What one limit said of an exchange.
  struct Taken {
    const RateLimit* limit = nullptr;
    std::string key{};
    Pace pace{};
    RateTable::Answer answer{};
  };
  bool isEnforcedFor(const filter::Exchange& exchange) const;
  /// Of all limits that fit, up to the first that refuses, which then is the last.
  std::vector<Taken> take(const filter::Exchange& exchange) const;
  /// The same, and tells its verdicts where one refuses, which costs nothing of the others then.
  std::vector<Taken> ask(const filter::Exchange& exchange, bool acts) const;

  const RateLimitSettings settings_;
  const Stage stage_;
  const SourceShare enforced_;
  const std::shared_ptr<RateTable> rates_;
};

}  // namespace loam::filters
