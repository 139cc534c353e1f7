#include <thread>

#include "proxy/filters/exchange_policy.h"
#include "proxy/filters/fault_filter.h"
#include "proxy/filters/timeouts_filter.h"
#include "tests/proxy/filters/exchange_fixture.h"

namespace loam::filters {
namespace {

class FaultFilterTest : public ExchangeFixture {
 protected:
  static FaultFilter of(std::string_view settings, ExchangeShare share = {}) {
    return {good<FaultSettings>(settings), std::move(share), std::make_shared<std::atomic<std::uint32_t>>(0)};
  }
};

TEST_F(FaultFilterTest, AbortsAreAnswersThatNameTheirCause) {
  EXPECT_EQ(passes(of(R"({"abort": {"status": 503}})"), exchange("GET", "/")), "503 fault:abort");
  EXPECT_EQ(passes(of(R"({"abort": {"grpc_status": 14}})"), exchange("POST", "/")), "200 fault:abort");
  EXPECT_EQ(passes(of(R"({"abort": {"reset": true}})"), exchange("GET", "/")), "reset");
  EXPECT_EQ(tally.aborted.get(), 3u);
  EXPECT_EQ(forwarded, 0);
}

TEST_F(FaultFilterTest, AMadeUpAnswerIsGivenWhole) {
  const FaultFilter filter =
      of(R"({"answer": {"status": 201, "headers": {"x-price": "7"}, "body": "soon"}, "match": {"paths": ["/new"]}})");
  EXPECT_EQ(passes(filter, exchange("GET", "/new")), "201 fault:answer");
  EXPECT_EQ(passes(filter, exchange("GET", "/old")), "server");
  EXPECT_EQ(tally.mocked.get(), 1u);
}

TEST_F(FaultFilterTest, ADelayedOneGoesOnAfterwards) {
  const FaultFilter filter = of(R"({"delay": "50ms"})");
  const Monotonic before = clock.now();
  EXPECT_EQ(passes(filter, exchange("GET", "/")), "server");
  EXPECT_GE(clock.now() - before, milliseconds(49));
  EXPECT_EQ(tally.delayed.get(), 1u);
}

TEST_F(FaultFilterTest, NoMoreAreHeldThanMayBe) {
  const FaultFilter filter = of(R"({"delay": "200ms", "most_at_once": 2})");
  filter::Exchange ones[] = {exchange("GET", "/"), exchange("GET", "/"), exchange("GET", "/")};
  int done = 0;
  io::TaskScope scope;
  for (filter::Exchange& one : ones) {
    scope.spawn(
        [](const FaultFilter& fault, filter::Exchange& held, filter::Forward& server, int& count) -> io::Task<void> {
          const filter::Next next({}, server);
          const auto response = co_await fault.handle(held, next);
          if (response) ++count;
        }(filter, one, *this, done));
  }
  for (int i = 0; i < 10; ++i) loop->turn(milliseconds(1));
  EXPECT_EQ(done, 1) << "the third was spared";
  EXPECT_EQ(tally.spared.get(), 1u);
  scope.cancelAll();  // clients that go give their places back
  EXPECT_EQ(passes(filter, exchange("GET", "/")), "server");
  EXPECT_EQ(tally.delayed.get(), 3u);
}

TEST_F(FaultFilterTest, OnlyItsShare) {
  const FaultFilter none = of(R"({"abort": {"status": 500}})", {0, "s"});
  EXPECT_EQ(passes(none, exchange("GET", "/")), "server");
}

class TimeoutsFilterTest : public ExchangeFixture {};

TEST_F(TimeoutsFilterTest, TheFirstRuleThatFitsDecides) {
  const TimeoutsFilter filter(good<TimeoutsSettings>(R"({"request": "1s", "idle": "800ms", "rules": [
      {"name": "report", "match": {"paths": ["/report"]}, "response": "30s"}]})"),
                              {});
  filter::Exchange usual = exchange("GET", "/a");
  EXPECT_EQ(passes(filter, usual), "server");
  EXPECT_EQ(usual.bounds.end, usual.began + seconds(1));
  EXPECT_EQ(usual.bounds.idle, milliseconds(800));
  filter::Exchange report = exchange("GET", "/report");
  EXPECT_EQ(passes(filter, report), "server");
  EXPECT_EQ(report.bounds.end, Monotonic::max()) << "what it leaves out has no bound";
  EXPECT_EQ(report.bounds.answer, seconds(30));
  EXPECT_FALSE(report.bounds.idle);
}

TEST_F(TimeoutsFilterTest, AskedOnlyItSaysTheSameBoundsAndWhichRuleHasThemWhateverItsShare) {
  const TimeoutsFilter filter(good<TimeoutsSettings>(R"({"request": "1s", "rules": [
      {"name": "report", "match": {"paths": ["/report"]}, "response": "30s"}]})"),
                              {.share = 0, .salt = "s"});
  filter::Exchange usual = exchange("GET", "/a");
  EXPECT_EQ(passes(filter, usual), "server");
  EXPECT_FALSE(usual.bounds.any());
  EXPECT_TRUE(filter.simulate(usual));
  EXPECT_EQ(usual.bounds.end, usual.began + seconds(1));
  EXPECT_EQ(usual.bounds.rule, "default");
  filter::Exchange report = exchange("GET", "/report");
  EXPECT_TRUE(filter.simulate(report));
  EXPECT_EQ(report.bounds.answer, seconds(30));
  EXPECT_EQ(report.bounds.rule, "report");
}

TEST_F(TimeoutsFilterTest, IsOverByAnyOfItsBoundsAndNotOnThem) {
  const Monotonic began = clock.now();
  const filter::Bounds bounds{.end = began + seconds(3), .answer = seconds(2), .idle = seconds(1)};
  EXPECT_FALSE(isOver(bounds, {.ended = began + seconds(3), .waited = seconds(2), .silence = seconds(1)}));
  EXPECT_TRUE(isOver(bounds, {.ended = began + milliseconds(3001)}));
  EXPECT_TRUE(isOver(bounds, {.ended = began, .waited = milliseconds(2001)}));
  EXPECT_TRUE(isOver(bounds, {.ended = began, .silence = milliseconds(1001)}));
  EXPECT_FALSE(isOver({}, {.ended = began + std::chrono::hours(9), .waited = seconds(9), .silence = seconds(9)}));
}

class ExchangePolicyTest : public ExchangeFixture {
 protected:
  static constexpr std::string_view kSettings = R"({"default": "deny", "rules": [
      {"name": "no-admin", "action": "deny", "match": {"paths": ["/admin/**", "/admin"]}},
      {"name": "web-reads", "action": "allow", "match": {"sources": ["web"], "methods": ["GET"]}},
      {"name": "ops", "action": "allow", "match": {"sources": ["ops"]}}]})";
  static ExchangePolicy of(ExchangePolicy::Stage stage, SourceShare share = {}) {
    return {good<PolicySettings>(kSettings), stage, std::move(share)};
  }
};

TEST_F(ExchangePolicyTest, TheFirstRuleThatFitsDecidesAndIsNamed) {
  const ExchangePolicy policy = of(ExchangePolicy::Stage::Enforce);
  EXPECT_EQ(passes(policy, exchange("GET", "/cart")), "server");
  EXPECT_EQ(passes(policy, exchange("POST", "/cart")), "403 policy:default");
  EXPECT_EQ(passes(policy, exchange("GET", "/admin/x")), "403 policy:no-admin");
  EXPECT_EQ(told, "default denied; no-admin denied; ");
  EXPECT_EQ(tally.denied.get(), 2u);
  EXPECT_EQ(forwarded, 1);
}

TEST_F(ExchangePolicyTest, SimulatedItTellsTheSameAndLetsPass) {
  const ExchangePolicy policy = of(ExchangePolicy::Stage::Simulate);
  EXPECT_EQ(passes(policy, exchange("POST", "/cart")), "server");
  EXPECT_EQ(passes(policy, exchange("GET", "/admin")), "server");
  EXPECT_EQ(told, "default would be; no-admin would be; ");
  EXPECT_EQ(tally.denied.get(), 0u);
}

TEST_F(ExchangePolicyTest, ThoseWhomTheShareLacksAreOnlySimulated) {
  const ExchangePolicy policy =
      of(ExchangePolicy::Stage::Enforce, {.share = 0, .salt = "s", .include = {"web"}, .exclude = {}});
  EXPECT_EQ(passes(policy, exchange("POST", "/")), "403 policy:default");
  caller = "ops";
  EXPECT_EQ(passes(policy, exchange("GET", "/admin")), "server");
  EXPECT_EQ(told, "default denied; no-admin would be; ");
}

TEST_F(ExchangePolicyTest, WhatTheConnectionIsDeniedForIsNotCountedAgain) {
  caller = "cron";  // whom no rule could allow anything
  const ExchangePolicy policy = of(ExchangePolicy::Stage::Simulate);
  EXPECT_EQ(passes(policy, exchange("GET", "/")), "server");
  EXPECT_EQ(told, "");
}

TEST_F(ExchangePolicyTest, C1_WhatIsComparedIsWhatGoesOn) {
  const ExchangePolicy policy = of(ExchangePolicy::Stage::Enforce);
  filter::Exchange odd = exchange("GET", "/a/../c%61rt//x?y=%2F..");
  EXPECT_EQ(passes(policy, odd), "server");
  EXPECT_EQ(odd.target, "/cart/x?y=%2F..");
  filter::Exchange absolute = exchange("GET", "http://shop/a/./b");
  EXPECT_EQ(passes(policy, absolute), "server");
  EXPECT_EQ(absolute.target, "http://shop/a/b");
  filter::Exchange plain = exchange("GET", "/cart?a=%2e");
  EXPECT_EQ(passes(policy, plain), "server");
  EXPECT_FALSE(plain.target) << "bytes that are in order go on as they came";
  EXPECT_EQ(passes(policy, exchange("GET", "/a%2fadmin")), "400 policy:path");
  EXPECT_EQ(passes(policy, exchange("GET", "/x/..;/admin")), "400 policy:path");
  EXPECT_EQ(told, "(path) denied; (path) denied; ");
}

TEST_F(ExchangePolicyTest, AskedOnlyItSaysWhatEnforcingWouldDoAndChangesNothing) {
  const ExchangePolicy enforced = of(ExchangePolicy::Stage::Enforce);
  filter::Exchange odd = exchange("GET", "/a/../c%61rt");
  EXPECT_TRUE(enforced.simulate(odd));
  EXPECT_FALSE(odd.target);
  filter::Exchange write = exchange("POST", "/cart");
  EXPECT_FALSE(enforced.simulate(write)) << "nobody behind it would have been asked";
  filter::Exchange twofold = exchange("GET", "/a%2fadmin");
  EXPECT_FALSE(enforced.simulate(twofold));
  EXPECT_EQ(told, "default would be; (path) would be; ");
  EXPECT_EQ(tally.denied.get(), 0u);
  const ExchangePolicy simulated = of(ExchangePolicy::Stage::Simulate);
  EXPECT_TRUE(simulated.simulate(write)) << "it would have gone on";
  told.clear();
  EXPECT_EQ(passes(simulated, exchange("GET", "/a%2fadmin")), "server");
  EXPECT_EQ(told, "(path) would be; ");
}

TEST_F(ExchangePolicyTest, APolicyOnConnectionsAloneHasNone) {
  Json::Value settings = *parseJson(R"({"default": "deny", "rules": []})");
  EXPECT_EQ(*ExchangePolicy::make("enforce", {}, settings), nullptr);
  settings = *parseJson(R"({"rules": [{"name": "r", "action": "maybe", "match": {}}]})");
  EXPECT_EQ(ExchangePolicy::make("enforce", {}, settings).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace loam::filters
