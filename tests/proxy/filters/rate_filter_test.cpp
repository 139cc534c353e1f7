#include "proxy/filters/rate_filter.h"

#include <thread>

#include "tests/proxy/filters/exchange_fixture.h"

namespace loam::filters {
namespace {

class RateFilterTest : public ExchangeFixture {
 protected:
  RateFilter of(std::string_view json, RateFilter::Stage stage = RateFilter::Stage::Enforce, SourceShare share = {}) {
    return {good<RateLimitSettings>(json), stage, std::move(share), rates};
  }
  /// Of an exchange that comes so long after the first one.
  std::string at(const RateFilter& filter, milliseconds since, std::vector<http::HeaderField> headers = {},
                 std::string_view path = "/") {
    last = std::make_unique<filter::Exchange>(exchange("GET", path, std::move(headers)));
    last->began = start + since;
    return passes(filter, *last);
  }
  std::string added(std::string_view name) const {
    for (const auto& [field, value] : last->added) {
      if (field == name) return value;
    }
    return "none";
  }

  const Monotonic start = clock.now();
  std::shared_ptr<RateTable> rates = std::make_shared<RateTable>(17);
  std::unique_ptr<filter::Exchange> last;
};

TEST_F(RateFilterTest, ABurstAndThenItsPace) {
  const RateFilter filter = of(R"({"limits": [{"name": "r", "rate": "10/s", "burst": 3}]})");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(at(filter, milliseconds(0)), "429 rate_limit:r");
  EXPECT_EQ(at(filter, milliseconds(99)), "429 rate_limit:r");
  EXPECT_EQ(at(filter, milliseconds(100)), "server");
  EXPECT_EQ(at(filter, milliseconds(101)), "429 rate_limit:r");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(at(filter, seconds(10)), "server");
  EXPECT_EQ(at(filter, seconds(10)), "429 rate_limit:r");
  EXPECT_EQ(tally.limited.get(), 4u);
  EXPECT_EQ(told, "r denied; r denied; r denied; r denied; ");
}

TEST_F(RateFilterTest, OnTheLongRunNoMoreThanTheRate) {
  const RateFilter filter = of(R"({"limits": [{"name": "r", "rate": "600/m", "burst": 5}]})");
  int passed = 0;
  for (int i = 0; i < 60'000; i += 7) passed += at(filter, milliseconds(i)) == "server" ? 1 : 0;
  EXPECT_NEAR(passed, 605, 2);
}

TEST_F(RateFilterTest, AnswersSayHowMuchIsLeft) {
  const RateFilter filter = of(R"({"limits": [{"name": "r", "rate": "1/s", "burst": 3}]})");
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(added("x-ratelimit-limit") + " " + added("x-ratelimit-remaining") + " " + added("x-ratelimit-reset"),
            "3 2 1");
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(added("x-ratelimit-remaining") + " " + added("x-ratelimit-reset"), "0 3");
  const RateFilter quiet = of(R"({"limits": [{"name": "q", "rate": "1/s"}], "headers": false})");
  EXPECT_EQ(at(quiet, milliseconds(0)), "server");
  EXPECT_TRUE(last->added.empty());
}

TEST_F(RateFilterTest, WhoSharesABucketIsTheKeysMatter) {
  const RateFilter filter = of(R"({"limits": [{"name": "t", "rate": "1/s", "key": "header", "header": "x-tenant"}]})");
  EXPECT_EQ(at(filter, milliseconds(0), {{"X-Tenant", "a"}}), "server");
  EXPECT_EQ(at(filter, milliseconds(0), {{"X-Tenant", "b"}}), "server");
  EXPECT_EQ(at(filter, milliseconds(0), {{"X-Tenant", "a"}}), "429 rate_limit:t");
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(at(filter, milliseconds(0)), "429 rate_limit:t") << "all without the header share one";
}

TEST_F(RateFilterTest, CallersWithARateOfTheirOwn) {
  const RateFilter filter = of(R"({"limits": [{"name": "c", "rate": "1/s", "callers": [
      {"source": "batch", "rate": "1/m", "burst": 2}]}]})");
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(at(filter, milliseconds(1)), "429 rate_limit:c");
  caller = "batch";
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(at(filter, seconds(5)), "429 rate_limit:c");
  caller = "";  // nobody knows him: he is his address
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(at(filter, milliseconds(0)), "429 rate_limit:c");
}

TEST_F(RateFilterTest, AllThatFitHoldAndARefusalCostsNothing) {
  const RateFilter filter = of(R"({"limits": [
      {"name": "wide", "rate": "1/h", "burst": 3, "key": "all"},
      {"name": "narrow", "rate": "1/h", "burst": 1, "match": {"paths": ["/search"]}}]})");
  EXPECT_EQ(at(filter, milliseconds(0), {}, "/search"), "server");
  EXPECT_EQ(added("x-ratelimit-remaining"), "0") << "of the tightest";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(at(filter, milliseconds(0), {}, "/search"), "429 rate_limit:narrow");
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(at(filter, milliseconds(0)), "429 rate_limit:wide");
}

TEST_F(RateFilterTest, AskedOnlyItTakesFromTheSameBuckets) {
  const RateFilter filter = of(R"({"limits": [{"name": "r", "rate": "1/h", "burst": 3}]})");
  const auto asked = [&] {
    filter::Exchange one = exchange("GET", "/");
    one.began = start;
    const bool goesOn = filter.simulate(one);
    EXPECT_TRUE(one.added.empty());
    return goesOn;
  };
  EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_TRUE(asked());
  EXPECT_TRUE(asked());
  EXPECT_FALSE(asked());
  EXPECT_EQ(at(filter, milliseconds(0)), "429 rate_limit:r");
  EXPECT_EQ(told, "r would be; r denied; ");
  EXPECT_EQ(tally.limited.get(), 1u);
}

TEST_F(RateFilterTest, SimulatedItSaysTheSameOfTheSame) {
  const RateFilter filter =
      of(R"({"limits": [{"name": "r", "rate": "10/s", "burst": 3}]})", RateFilter::Stage::Simulate);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(at(filter, milliseconds(0)), "server");
  EXPECT_EQ(told, "r would be; r would be; ");
  EXPECT_TRUE(last->added.empty());
  EXPECT_EQ(tally.limited.get(), 0u);
}

TEST_F(RateFilterTest, CountsOutliveTheSnapshot) {
  constexpr std::string_view kOne = R"({"limits": [{"name": "r", "rate": "1/h", "burst": 1}]})";
  EXPECT_EQ(at(of(kOne), milliseconds(0)), "server");
  EXPECT_EQ(at(of(kOne), milliseconds(0)), "429 rate_limit:r");
}

TEST(RateTableTest, ManyThreadsGetNoMoreThanThereIs) {
  RateTable table(3);
  const Monotonic now = SystemClock().now();
  const Pace pace{std::chrono::hours(1), std::chrono::hours(999)};  // a thousand at once
  std::atomic<int> passed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1'000; ++n) passed += table.take("r", "key", pace, now).isWithin ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(passed, 1'000);
}

TEST(RateTableTest, MoreKeysThanThereIsRoomForAreNotCountedAndRefuseNobody) {
  RateTable table(5);
  const Monotonic now = SystemClock().now();
  const Pace pace{seconds(1), nanoseconds(0)};
  for (int i = 0; i < 50'000; ++i) EXPECT_TRUE(table.take("r", std::to_string(i), pace, now).isWithin);
  EXPECT_GT(table.uncounted(), 40'000u);
  EXPECT_TRUE(table.take("r", "one more", pace, now + seconds(2)).isWithin);
  EXPECT_FALSE(table.take("r", "one more", pace, now + seconds(2)).isWithin) << "places come free again";
}

}  // namespace
}  // namespace loam::filters
