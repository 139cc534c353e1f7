#include "proxy/filters/retries_filter.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proxy/filters/cluster_terms.h"
#include "proxy/filters/exchange_match.h"
#include "proxy/filters/settings.h"
#include "proxy/http/http1_head.h"
#include "proxy/upstream/backoff.h"

namespace loam::filters {

namespace {

using filter::Response;
using On = RetriesSettings::On;

constexpr std::string_view kGrpcUnavailable = "14";

bool mayBeDoneTwice(const filter::ExchangeView& view, const RetriesSettings& settings) {
  if (settings.idempotencyHeader && !http::find(view.headers, *settings.idempotencyHeader).empty()) return true;
  return std::find(settings.methods.begin(), settings.methods.end(), view.method) != settings.methods.end();
}

/// What of `on` the end of a sending is; nothing for the client's doing.
std::optional<On> kindOf(const filter::Exchange& exchange, const Result<Response>& came) {
  if (came) {
    const bool gateway = came->status == 502 || came->status == 503 || came->status == 504;
    if (gateway) return On::GatewayError;
    if (http::find(exchange.view.responseHeaders, "grpc-status") == kGrpcUnavailable) return On::Unavailable;
    return std::nullopt;
  }
  const Error& error = came.error();
  if (error.origin == ErrorOrigin::Downstream) return std::nullopt;
  if (!exchange.sending.reached)
    return error.code == ErrorCode::Denied ? std::nullopt : std::optional(On::ConnectFailure);
  return error.code == ErrorCode::Timeout ? On::Timeout : On::Reset;
}

/// What the answer says of when to ask again.
std::optional<seconds> retryAfter(const filter::ExchangeView& view) {
  const std::string_view text = http::find(view.responseHeaders, "retry-after");
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return seconds(count);
}

}  // namespace

bool decide(const filter::Exchange& exchange, const Result<Response>& came, const RetriesSettings& settings) {
  if (!exchange.sending.repeatable || (came && came->from != Response::From::Server)) return false;
  if (exchange.sending.reached && !mayBeDoneTwice(exchange.view, settings)) return false;
  const std::optional<On> kind = kindOf(exchange, came);
  if (kind && std::find(settings.on.begin(), settings.on.end(), *kind) != settings.on.end()) return true;
  const auto& statuses = settings.statuses;
  return came && std::find(statuses.begin(), statuses.end(), came->status) != statuses.end();
}

Result<std::unique_ptr<const RetriesFilter>> RetriesFilter::make(ExchangeShare share, const Json::Value& settings,
                                                                 std::shared_ptr<upstream::ServiceState> service) {
  std::vector<FieldProblem> problems;
  auto typed = filters::read<RetriesSettings>(settings, problems, Purpose::Keep);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  return std::make_unique<const RetriesFilter>(std::move(typed), std::move(share), std::move(service));
}

RetriesFilter::RetriesFilter(RetriesSettings settings, ExchangeShare share,
                             std::shared_ptr<upstream::ServiceState> service)
    : settings_(std::move(settings)),
      share_(std::move(share)),
      budget_(budgetTerms(settings_.budget), std::move(service)) {}

io::Task<Result<Response>> RetriesFilter::handle(filter::Exchange& exchange, filter::Next next) const {
  if (!share_.has(exchange) || !fits(settings_.match, exchange)) return next(exchange);
  return repeated(exchange, next);
}

io::Task<Result<Response>> RetriesFilter::repeated(filter::Exchange& exchange, filter::Next next) const {
  exchange.keeps = settings_.maxBody;
  if (settings_.totalTimeout) exchange.bounds.endBy(exchange.began + *settings_.totalTimeout);
  for (unsigned repeat = 1;; ++repeat) {
    if (settings_.perTryTimeout) exchange.bounds.head = exchange.loop.now() + *settings_.perTryTimeout;
    auto came = co_await next(exchange);
    if (!decide(exchange, came, settings_)) {
      if (came) budget_.onExchange(exchange.loop.now());
      if (came && repeat > 1) exchange.tally.rescued.add();
      co_return std::move(came);
    }
    const auto wait = waitBefore(repeat, exchange);
    if (!takesRepeat(repeat, wait, exchange)) co_return std::move(came);
    exchange.tally.repeated.add();
    co_await exchange.loop.sleepFor(*wait);
  }
}

bool RetriesFilter::takesRepeat(unsigned repeat, std::optional<nanoseconds> wait, filter::Exchange& exchange) const {
  if (repeat > settings_.attempts || !wait) return false;
  if (budget_.mayRepeat(exchange.loop.now())) return true;
  exchange.tally.unaffordable.add();
  return false;
}

std::optional<nanoseconds> RetriesFilter::waitBefore(unsigned repeat, const filter::Exchange& exchange) const {
  upstream::Dice dice((std::uint64_t{exchange.dice} << 32) | repeat);
  nanoseconds wait = upstream::backoff(backoffTerms(settings_.backoff), repeat - 1, dice);
  if (const auto asked = retryAfter(exchange.view)) {
    if (*asked > kMostRetryAfter) return std::nullopt;
    wait = std::max<nanoseconds>(wait, *asked);
  }
  if (exchange.bounds.end != Monotonic::max() && exchange.loop.now() + wait >= exchange.bounds.end) return std::nullopt;
  return wait;
}

}  // namespace loam::filters
