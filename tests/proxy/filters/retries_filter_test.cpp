#include "proxy/filters/retries_filter.h"

#include "exchange_fixture.h"

namespace loam::filters {
namespace {

constexpr std::string_view kEager =
    R"({"on": ["connect_failure", "reset", "gateway_error"], "attempts": 3, "backoff": {"base": "1ms", "most": "1ms"}})";

RetriesFilter made(std::string_view json) {
  return {good<RetriesSettings>(json), ExchangeShare{}, std::make_shared<upstream::ServiceState>()};
}

class RetriesFilterTest : public ExchangeFixture {};

TEST_F(RetriesFilterTest, WhatMayBeDoneTwiceIsTriedUntilItGoesWell) {
  outcomes = {{.status = 503}, {.error = ErrorCode::Reset}, {.status = 200}};
  EXPECT_EQ(passes(made(kEager), exchange("GET", "/")), "server");
  EXPECT_EQ(forwarded, 3);
  EXPECT_EQ(tally.rescued.get(), 1u);
}

/// By RFC 9110 9.2.2: a method that is not idempotent is sent once, whatever becomes of it.
TEST_F(RetriesFilterTest, G1_NothingElseIsSentTwiceOnceAServerMayHaveSeenIt) {
  const RetriesFilter filter = made(
      R"({"on": ["connect_failure", "refused_stream", "reset", "timeout", "gateway_error", "unavailable"],
          "statuses": [500, 503], "methods": ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"], "attempts": 5,
          "per_try_timeout": "1s"})");
  const Outcome ends[] = {{.error = ErrorCode::Reset},
                          {.error = ErrorCode::Timeout},
                          {.status = 500},
                          {.status = 502},
                          {.status = 503},
                          {.status = 504}};
  for (const std::string_view method : {"POST", "PATCH", "CONNECT", "LOCK", "get", "Put", ""}) {
    for (const Outcome& end : ends) {
      outcomes = {end};
      forwarded = 0;
      passes(filter, exchange(method, "/"));
      EXPECT_EQ(forwarded, 1) << method;
    }
  }
}

TEST_F(RetriesFilterTest, WhatReachedNobodyIsRepeatedWhateverItIs) {
  outcomes = {{.error = ErrorCode::Refused, .reached = false}, {.error = ErrorCode::Timeout, .reached = false}};
  EXPECT_EQ(passes(made(kEager), exchange("POST", "/")), "server");
  EXPECT_EQ(forwarded, 3);
}

TEST_F(RetriesFilterTest, WhoIsDeniedIsNotTriedAgain) {
  outcomes = {{.error = ErrorCode::Denied, .reached = false}};
  passes(made(kEager), exchange("GET", "/"));
  EXPECT_EQ(forwarded, 1);
}

/// A proxy that stands behind another, with retries and a budget of its own. The last one is the server that fails.
class Hop final : public filter::Forward {
 public:
  Hop(RetriesFilterTest& test, filter::Tally& tally, io::EventLoop& loop, const RetriesFilter* filter, Hop* behind)
      : test_(test), tally_(tally), loop_(loop), filter_(filter), behind_(behind) {}

  io::Task<Result<filter::Response>> forward(filter::Exchange& exchange) override {
    ++asked;
    exchange.sending = {.reached = true, .repeatable = true};
    if (filter_ == nullptr) co_return fail(ErrorCode::Reset, "it fails", ErrorOrigin::Upstream);
    filter::Exchange next{loop_, test_, tally_};
    next.view.method = exchange.view.method;
    next.view.path = exchange.view.path;
    next.began = loop_.now();
    const filter::Next rest({}, *behind_);
    const auto came = co_await filter_->handle(next, rest);
    co_return filter::Response{.status = static_cast<std::uint16_t>(came ? came->status : 502)};
  }

  int asked = 0;

 private:
  RetriesFilterTest& test_;
  filter::Tally& tally_;
  io::EventLoop& loop_;
  const RetriesFilter* filter_;
  Hop* behind_;
};

io::Task<void> sendThrough(const RetriesFilter& filter, filter::Exchange& exchange, Hop& behind, int& failed) {
  const filter::Next rest({}, behind);
  const auto came = co_await filter.handle(exchange, rest);
  failed += !came || came->status == 502 ? 1 : 0;
}

TEST_F(RetriesFilterTest, ThreeHopsThatAllFailAskTheLastServerAFifthMoreAtMost) {
  const RetriesFilter filters[] = {made(kEager), made(kEager), made(kEager)};
  Hop server(*this, tally, *loop, nullptr, nullptr);
  Hop third(*this, tally, *loop, &filters[2], &server);
  Hop second(*this, tally, *loop, &filters[1], &third);
  constexpr int kAsked = 2'000;
  int failed = 0;
  std::deque<filter::Exchange> all;
  io::TaskScope scope;
  for (int i = 0; i < kAsked; ++i) {
    all.push_back(exchange("GET", "/"));
    scope.spawn(sendThrough(filters[0], all.back(), second, failed));
    loop->turn(milliseconds(0));
  }
  const Monotonic end = clock.now() + seconds(20);
  while (failed < kAsked && clock.now() < end) loop->turn(milliseconds(5));
  EXPECT_EQ(failed, kAsked);
  EXPECT_LE(server.asked, kAsked * 12 / 10);
  EXPECT_GT(server.asked, kAsked) << "nothing was repeated at all";
}

}  // namespace
}  // namespace loam::filters
