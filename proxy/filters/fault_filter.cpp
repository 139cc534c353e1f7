#include "proxy/filters/fault_filter.h"

#include <utility>

#include "proxy/base/stable_hash.h"
#include "proxy/filters/exchange_match.h"
#include "proxy/filters/settings.h"

namespace loam::filters {

namespace {

using filter::OwnAnswer;
using filter::Response;

/// A place among those that are held, for as long as it lives.
class Held {
 public:
  Held(std::atomic<std::uint32_t>& count, std::uint32_t most) : count_(count), isWithin_(++count <= most) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { --count_; }
  bool isWithin() const { return isWithin_; }

 private:
  std::atomic<std::uint32_t>& count_;
  const bool isWithin_;
};

Response abortOf(const Abort& abort) {
  if (abort.reset) return Response::reset();
  OwnAnswer answer{.status = abort.status.value_or(200), .cause = "fault:abort"};
  if (abort.grpcStatus) {
    answer.headers = {{"content-type", "application/grpc"}, {"grpc-status", std::to_string(*abort.grpcStatus)}};
  }
  return Response::of(std::move(answer));
}

Response mockOf(const MockAnswer& mock) {
  OwnAnswer answer{.status = mock.status, .cause = "fault:answer", .body = mock.body};
  answer.headers.assign(mock.headers.begin(), mock.headers.end());
  return Response::of(std::move(answer));
}

}  // namespace

bool decide(const filter::Exchange& exchange, const FaultSettings& settings, const ExchangeShare& share) {
  return share.has(exchange) && fits(settings.match, exchange);
}

Result<std::unique_ptr<const FaultFilter>> FaultFilter::make(ExchangeShare share, const Json::Value& settings,
                                                             std::shared_ptr<std::atomic<std::uint32_t>> held) {
  std::vector<FieldProblem> problems;
  auto typed = filters::read<FaultSettings>(settings, problems, Purpose::Keep);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  return std::make_unique<const FaultFilter>(std::move(typed), std::move(share), std::move(held));
}

io::Task<Result<Response>> FaultFilter::handle(filter::Exchange& exchange, filter::Next next) const {
  if (!decide(exchange, settings_, share_)) return next(exchange);
  return disturb(exchange, next);
}

io::Task<Result<Response>> FaultFilter::disturb(filter::Exchange& exchange, filter::Next next) const {
  if (settings_.delay) {
    const Held held(*held_, settings_.mostAtOnce);
    if (!held.isWithin()) {
      exchange.tally.spared.add();
      co_return co_await next(exchange);
    }
    exchange.tally.delayed.add();
    co_await exchange.loop.sleepFor(delayOf(exchange));
  }
  if (settings_.abort) {
    exchange.tally.aborted.add();
    co_return abortOf(*settings_.abort);
  }
  if (settings_.answer) {
    exchange.tally.mocked.add();
    co_return mockOf(*settings_.answer);
  }
  co_return co_await next(exchange);
}

milliseconds FaultFilter::delayOf(const filter::Exchange& exchange) const {
  if (!settings_.jitter) return *settings_.delay;
  const std::string_view dice(reinterpret_cast<const char*>(&exchange.dice), sizeof exchange.dice);
  return *settings_.delay + *settings_.jitter * bucketOf("jitter", dice) / ExchangeShare::kWhole;
}

}  // namespace loam::filters
