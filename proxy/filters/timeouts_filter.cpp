#include "proxy/filters/timeouts_filter.h"

#include <algorithm>

#include "proxy/filters/exchange_match.h"
#include "proxy/filters/settings.h"

namespace loam::filters {

const ExchangeTimeouts& decide(const filter::Exchange& exchange, const TimeoutsSettings& settings) {
  const auto rule = std::find_if(settings.rules.begin(), settings.rules.end(),
                                 [&](const TimeoutRule& one) { return fits(one.match, exchange); });
  return rule == settings.rules.end() ? settings.timeouts : rule->timeouts;
}

Result<std::unique_ptr<const TimeoutsFilter>> TimeoutsFilter::make(ExchangeShare share, const Json::Value& settings) {
  std::vector<FieldProblem> problems;
  auto typed = filters::read<TimeoutsSettings>(settings, problems, Purpose::Keep);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  return std::make_unique<const TimeoutsFilter>(std::move(typed), std::move(share));
}

io::Task<Result<filter::Response>> TimeoutsFilter::handle(filter::Exchange& exchange, filter::Next next) const {
  if (share_.has(exchange)) {
    const ExchangeTimeouts& timeouts = decide(exchange, settings_);
    if (timeouts.request) exchange.bounds.endBy(exchange.began + *timeouts.request);
    if (timeouts.response) exchange.bounds.answer = timeouts.response;
    if (timeouts.idle) exchange.bounds.idle = timeouts.idle;
  }
  return next(exchange);
}

}  // namespace loam::filters
