#include "proxy/filters/rate_filter.h"

#include <algorithm>
#include <utility>

#include "proxy/filters/connection_match.h"
#include "proxy/filters/exchange_match.h"
#include "proxy/filters/settings.h"
#include "proxy/http/http1_head.h"

namespace loam::filters {

namespace {

using filter::Response;

std::string upToSeconds(nanoseconds time) { return std::to_string(std::chrono::ceil<seconds>(time).count()); }

std::int64_t burstOf(const Pace& pace) { return pace.ahead / pace.apart + 1; }

std::int64_t leftOf(const Pace& pace, const RateTable::Answer& answer) {
  if (!answer.isWithin) return 0;
  return std::max<std::int64_t>(0, (pace.ahead + pace.apart - answer.full) / pace.apart);
}

}  // namespace

std::string keyOf(const RateLimit& limit, const filter::Exchange& exchange) {
  const filter::ConnectionView& from = exchange.connection;
  switch (limit.key) {
    case RateLimit::Key::All:
      return {};
    case RateLimit::Key::Caller:
      return from.caller.empty() ? from.client.ip.text() : std::string(from.caller);
    case RateLimit::Key::Identity:
      return std::string(from.identity);
    case RateLimit::Key::Address:
      return from.client.ip.text();
    case RateLimit::Key::Header:
      return std::string(http::find(exchange.view.headers, limit.header));
  }
  return {};
}

std::optional<Pace> paceOf(const RateLimit& limit, const filter::Exchange& exchange) {
  const auto own = std::find_if(limit.callers.begin(), limit.callers.end(),
                                [&](const CallerRate& caller) { return fits(caller.source, exchange.connection); });
  const std::optional<Rate>& rate = own == limit.callers.end() ? limit.rate : own->rate;
  if (!rate) return std::nullopt;
  const std::uint32_t burst = (own == limit.callers.end() ? limit.burst : own->burst).value_or(rate->count);
  const nanoseconds apart = nanoseconds(rate->per) / rate->count;
  return Pace{apart, apart * (burst - 1)};
}

Result<std::unique_ptr<const RateFilter>> RateFilter::make(std::string_view stage, SourceShare enforced,
                                                           const Json::Value& settings,
                                                           std::shared_ptr<RateTable> rates) {
  std::vector<FieldProblem> problems;
  auto typed = filters::read<RateLimitSettings>(settings, problems, Purpose::Keep);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  if (!typed.actsOnExchanges()) return nullptr;
  const Stage as = stage == "enforce" ? Stage::Enforce : Stage::Simulate;
  return std::make_unique<const RateFilter>(std::move(typed), as, std::move(enforced), std::move(rates));
}

RateFilter::RateFilter(RateLimitSettings settings, Stage stage, SourceShare enforced, std::shared_ptr<RateTable> rates)
    : settings_(std::move(settings)), stage_(stage), enforced_(std::move(enforced)), rates_(std::move(rates)) {}

std::vector<RateFilter::Taken> RateFilter::take(const filter::Exchange& exchange) const {
  std::vector<Taken> all;
  for (const RateLimit& limit : settings_.limits) {
    if (!fits(limit.match, exchange)) continue;
    const auto pace = paceOf(limit, exchange);
    if (!pace) continue;
    Taken one{&limit, keyOf(limit, exchange), *pace};
    one.answer = rates_->take(limit.name, one.key, *pace, exchange.began);
    all.push_back(std::move(one));
    if (!all.back().answer.isWithin) break;
  }
  return all;
}

bool RateFilter::isEnforcedFor(const filter::Exchange& exchange) const {
  const filter::ConnectionView& from = exchange.connection;
  return stage_ == Stage::Enforce && enforced_.has(from.caller, from.client.ip);
}

std::vector<RateFilter::Taken> RateFilter::ask(const filter::Exchange& exchange, bool acts) const {
  std::vector<Taken> all = take(exchange);
  if (all.empty() || all.back().answer.isWithin) return all;
  for (auto one = all.begin(); one + 1 != all.end(); ++one) rates_->giveBack(one->limit->name, one->key, one->pace);
  exchange.verdicts.onDenied(exchange.connection,
                             {.feature = kRateLimitFeature, .rule = all.back().limit->name, .enforced = acts});
  return all;
}

bool RateFilter::simulate(filter::Exchange& exchange) const {
  const std::vector<Taken> all = ask(exchange, false);
  return all.empty() || all.back().answer.isWithin || !isEnforcedFor(exchange);
}

io::Task<Result<Response>> RateFilter::handle(filter::Exchange& exchange, filter::Next next) const {
  const bool enforces = isEnforcedFor(exchange);
  const std::vector<Taken> all = ask(exchange, enforces);
  if (all.empty() || !enforces) return next(exchange);
  const bool isWithin = all.back().answer.isWithin;
  const auto tightest = std::min_element(all.begin(), all.end(), [](const Taken& a, const Taken& b) {
    return leftOf(a.pace, a.answer) < leftOf(b.pace, b.answer);
  });
  filter::Fields fields;
  if (settings_.headers) {
    fields = {{"x-ratelimit-limit", std::to_string(burstOf(tightest->pace))},
              {"x-ratelimit-remaining", std::to_string(leftOf(tightest->pace, tightest->answer))},
              {"x-ratelimit-reset", upToSeconds(tightest->answer.full)}};
  }
  if (isWithin) {
    exchange.added = std::move(fields);
    return next(exchange);
  }
  exchange.tally.limited.add();
  fields.emplace_back("retry-after", upToSeconds(all.back().answer.wait));
  return filter::answered({.status = 429,
                           .cause = "rate_limit:" + all.back().limit->name,
                           .headers = std::move(fields),
                           .body = "this service is asked for more than it is to be\n"});
}

}  // namespace loam::filters
