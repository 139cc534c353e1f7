#include "proxy/filters/timeouts_filter.h"

#include <algorithm>

#include "proxy/filters/exchange_match.h"
#include "proxy/filters/policy_decision.h"
#include "proxy/filters/settings.h"

namespace loam::filters {

TimeoutsDecision decide(const filter::Exchange& exchange, const TimeoutsSettings& settings) {
  const auto rule = std::find_if(settings.rules.begin(), settings.rules.end(),
                                 [&](const TimeoutRule& one) { return fits(one.match, exchange); });
  if (rule == settings.rules.end()) return {settings.timeouts, kDefaultRule};
  return {rule->timeouts, rule->name};
}

bool isOver(const filter::Bounds& bounds, const ExchangeTimes& times) {
  return times.ended > bounds.end || (bounds.answer && times.waited > *bounds.answer) ||
         (bounds.idle && times.silence > *bounds.idle);
}

Result<std::unique_ptr<const TimeoutsFilter>> TimeoutsFilter::make(ExchangeShare share, const Json::Value& settings) {
  std::vector<FieldProblem> problems;
  auto typed = filters::read<TimeoutsSettings>(settings, problems, Purpose::Keep);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  return std::make_unique<const TimeoutsFilter>(std::move(typed), std::move(share));
}

void TimeoutsFilter::bound(filter::Exchange& exchange) const {
  const auto [timeouts, rule] = decide(exchange, settings_);
  if (settings_.connect) exchange.bounds.connectWithin(*settings_.connect);
  if (timeouts.request) exchange.bounds.endBy(exchange.began + *timeouts.request);
  if (timeouts.response) exchange.bounds.answer = timeouts.response;
  if (timeouts.idle) exchange.bounds.idle = timeouts.idle;
  exchange.bounds.rule = rule;
}

io::Task<Result<filter::Response>> TimeoutsFilter::handle(filter::Exchange& exchange, filter::Next next) const {
  if (share_.has(exchange)) bound(exchange);
  return next(exchange);
}

bool TimeoutsFilter::simulate(filter::Exchange& exchange) const {
  bound(exchange);
  return true;
}

}  // namespace loam::filters
