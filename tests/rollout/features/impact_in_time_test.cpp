#include <cmath>
#include <random>

#include "rollout/features/pace_bounds.h"
#include "tests/rollout/features/recorded_traffic.h"

namespace loam::features {
namespace {

/// What is asked of the record bucket by bucket, against the same traffic played one by one.
class ImpactInTimeTest : public RecordedTraffic {
 protected:
  std::mt19937_64 random{11};

  /// Milliseconds from the beginning, sorted: bursts and pauses.
  std::vector<std::int64_t> arrivals(std::int64_t seconds) {
    std::vector<std::int64_t> all;
    for (std::int64_t at = 0; at < seconds * 1000;) {
      const std::uint64_t burst = random() % 40;
      for (std::uint64_t i = 0; i < burst; ++i) all.push_back(at + static_cast<std::int64_t>(random() % 300));
      at += 100 + static_cast<std::int64_t>(random() % (random() % 4 == 0 ? 30'000 : 3000));
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  /// The moments that a record of such arrivals would have.
  void keep(const record::Usage& usage, const std::vector<std::int64_t>& all, std::int64_t length) {
    std::map<std::int64_t, std::uint64_t> buckets;
    for (const std::int64_t at : all) ++buckets[at / 1000 / length * length];
    for (const auto& [after, count] : buckets) moment(usage, after, length, count);
  }
};

/// One by one: a token each, `perSecond` new ones, `burst` at most.
std::uint64_t turnedAway(const std::vector<std::int64_t>& all, double perSecond, double burst) {
  double tokens = burst;
  std::int64_t last = 0;
  std::uint64_t refused = 0;
  for (const std::int64_t at : all) {
    tokens = std::min(burst, tokens + perSecond * static_cast<double>(at - last) / 1000);
    last = at;
    if (tokens + 1e-9 >= 1) {
      tokens -= 1;
    } else {
      ++refused;
    }
  }
  return refused;
}

TEST_F(ImpactInTimeTest, ARateLimitIsBoundedByTheBucketsOfTheRecord) {
  for (const std::int64_t length : {10, 60, 300}) {
    traffic = {};
    SetUp();
    record::Usage& web = usage("web", "10.0.0.1");
    const auto all = arrivals(3600);
    exchange(web, "", all.size());
    keep(web, all, length);
    for (const int rate : {1, 3, 10, 40, 1000}) {
      const Impact asked = impact("rate_limit", R"({"limits":[{"name":"all","rate":")" + std::to_string(rate) +
                                                    R"(/s","burst":)" + std::to_string(rate * 2) + "}]}");
      const Affected found = row(asked, "web", "all");
      const std::uint64_t really = turnedAway(all, rate, rate * 2);
      EXPECT_LE(found.affected.least, really) << rate << "/s in " << length;
      EXPECT_GE(found.affected.most, really) << rate << "/s in " << length;
      EXPECT_EQ(found.all, all.size());
      if (rate == 1) {
        EXPECT_GT(found.affected.least, 0u) << "its average is above the rate for sure";
      }
      EXPECT_TRUE(notes(asked, "buckets of up to " + durationText(seconds(length))));
    }
  }
}

TEST_F(ImpactInTimeTest, ARateThatNobodyReachesAffectsNobody) {
  record::Usage& web = usage("web", "10.0.0.1");
  exchange(web, "", 12);
  for (int i = 0; i < 12; ++i) moment(web, 60 + i * 10, 10, 1);
  const Impact asked = impact("rate_limit", R"({"limits":[{"name":"all","rate":"1/s","burst":5}]})");
  EXPECT_EQ(asked.verdict(), "none");
  EXPECT_EQ(row(asked, "web", "all").affected, (Bounds{}));
}

TEST_F(ImpactInTimeTest, WhoSharesABucketIsBoundedByWhatTheOthersLeave) {
  record::Usage& web = usage("web", "10.0.0.1");
  record::Usage& cron = usage("cron", "10.0.0.2");
  exchange(web, "", 900);
  exchange(cron, "", 100);
  moment(web, 0, 10, 900);
  moment(cron, 0, 10, 100);
  const Impact asked = impact("rate_limit", R"({"limits":[{"name":"all","key":"all","rate":"10/s","burst":10}]})");
  EXPECT_EQ(row(asked, "web", "all").affected, (Bounds{790, 900})) << "110 pass at the most, and cron asks for 100";
  EXPECT_EQ(row(asked, "cron", "all").affected, (Bounds{0, 100}));
  const Impact apart = impact("rate_limit", R"({"limits":[{"name":"each","rate":"10/s","burst":10}]})");
  EXPECT_EQ(row(apart, "web", "each").affected.least, 790u);
  EXPECT_EQ(row(apart, "cron", "each").affected.least, 0u);
}

TEST_F(ImpactInTimeTest, AQuotaIsOfWholeDays) {
  traffic.calls.header.window = {1'699'920'000, 1'699'920'000 + 3 * 86'400};  // midnight, UTC
  record::Usage& web = usage("web", "10.0.0.1");
  exchange(web, "", 370);
  for (const auto& [day, count] : {std::pair{0, 150}, std::pair{1, 90}, std::pair{2, 130}}) {
    moment(web, 0, 3600, static_cast<std::uint64_t>(count)).from = 1'699'920'000 + day * 86'400 + 7200;
  }
  const Impact asked = impact("rate_limit", R"({"limits":[{"name":"daily","quota":"100/day"}]})");
  EXPECT_EQ(row(asked, "web", "daily").affected, (Bounds{80, 80}));
  traffic.calls.header.window.from += 3600;  // of that day's first hour nothing is known
  EXPECT_EQ(row(impact("rate_limit", R"({"limits":[{"name":"daily","quota":"100/day"}]})"), "web", "daily").affected,
            (Bounds{80, 180}));
}

TEST_F(ImpactInTimeTest, CapsOnConnectionsAreAnsweredByTheirPaceAndNotByWhatIsOpen) {
  record::Usage& web = usage("web", "10.0.0.1", 50);
  moment(web, 0, 10, 0).counts.connections = 50;
  const Impact asked = impact("rate_limit", R"({"connections":{"total":9,"per_source":3,"opens":"1/s","burst":5}})");
  EXPECT_EQ(row(asked, "web", "opens").affected.least, 35u);
  EXPECT_EQ(row(asked, "web", "total").affected, (Bounds{0, 50}));
  EXPECT_EQ(unknown(asked), (std::vector<std::string>{"cap per_source", "cap total"}));
}

TEST_F(ImpactInTimeTest, PaceBoundsHoldForAnyTraffic) {
  for (int i = 0; i < 200; ++i) {
    const double rate = 0.2 + static_cast<double>(random() % 50) / 5;
    const double burst = 1 + static_cast<double>(random() % 30);
    const std::int64_t length = 10 + 10 * static_cast<std::int64_t>(random() % 6);
    const auto all = arrivals(600);
    std::map<std::int64_t, std::uint64_t> buckets;
    for (const std::int64_t at : all) ++buckets[at / 1000 / length * length];
    PaceBounds bounds(rate, burst, 0);
    for (const auto& [from, count] : buckets) bounds.add(from, length, Bounds::exactly(count));
    const std::uint64_t really = turnedAway(all, rate, burst);
    ASSERT_LE(bounds.refused().least, really) << rate << " " << burst << " " << length;
    ASSERT_GE(bounds.refused().most, really) << rate << " " << burst << " " << length;
  }
}

/// Played one by one: in how many buckets so many in a row fail, no run counted twice.
TEST_F(ImpactInTimeTest, EjectionsAreBoundedByWhatFailedInABucket) {
  usage("web", "10.0.0.1", 1, "http1", "10.0.9.2:80");  // the other endpoint
  record::Usage& web = usage("web", "10.0.0.1");
  std::uint64_t really = 0;
  std::uint64_t run = 0;
  for (int bucket = 0; bucket < 500; ++bucket) {
    const std::uint64_t count = random() % 30;
    const std::uint64_t odds = 1 + random() % 4;
    std::uint64_t failed = 0;
    bool ejected = false;
    for (std::uint64_t i = 0; i < count; ++i) {
      const bool fails = random() % 4 < odds;
      failed += fails ? 1 : 0;
      run = fails ? run + 1 : 0;
      if (run < 5) continue;
      ejected = true;
      run = 0;
    }
    really += ejected ? 1 : 0;
    if (count != 0) moment(web, bucket * 10, 10, count).counts.errors = failed;
  }
  moment(traffic.usages.front(), 0, 10, 3);
  const Impact asked = impact("circuit_breaking", R"({"ejection":{"on":["server_error"],"consecutive":5}})");
  const Affected found = row(asked, "web", "ejection");
  EXPECT_LE(found.affected.least, really);
  EXPECT_GE(found.affected.most, really);
  EXPECT_GT(found.affected.least, 0u);
}

TEST_F(ImpactInTimeTest, TheLastEndpointIsNeverEjectedAndPeaksAreNotHeld) {
  record::Usage& web = usage("web", "10.0.0.1");
  exchange(web, "", 20);
  moment(web, 0, 10, 20).counts.errors = 20;
  const Impact asked =
      impact("circuit_breaking", R"({"ejection":{"on":["server_error"]},"caps":{"requests":5,"connections":20}})");
  EXPECT_EQ(row(asked, "web", "ejection").affected, (Bounds{}));
  EXPECT_EQ(unknown(asked), (std::vector<std::string>{"cap connections", "cap requests"}));
  EXPECT_EQ(row(asked, "web", "cap requests").affected, (Bounds{0, 20}));
  EXPECT_EQ(row(asked, "web", "cap connections").affected, (Bounds{})) << "there were no more in all";
}

TEST_F(ImpactInTimeTest, AFailureShareIsSureOnlyWhereItCannotHide) {
  usage("web", "10.0.0.1", 1, "http1", "10.0.9.2:80");
  record::Usage& web = usage("web", "10.0.0.1");
  moment(traffic.usages.front(), 0, 10, 1);
  const std::string settings =
      R"({"ejection":{"on":["server_error"],"consecutive":1000,"failure_percent":50,"least_exchanges":10}})";
  moment(web, 0, 10, 100).counts.errors = 80;
  EXPECT_EQ(row(impact("circuit_breaking", settings), "web", "ejection").affected, (Bounds{1, 1}));
  traffic.moments.back().counts.errors = 55;  // 18 of them may lie in two intervals that are too short to count
  EXPECT_EQ(row(impact("circuit_breaking", settings), "web", "ejection").affected, (Bounds{0, 1}));
  traffic.moments.back().counts.errors = 4;
  EXPECT_EQ(row(impact("circuit_breaking", settings), "web", "ejection").affected, (Bounds{0, 0}));
}

TEST_F(ImpactInTimeTest, RetriesAreAnUpperBoundByMethodAndBudget) {
  record::Usage& web = usage("web", "10.0.0.1", 30);
  exchange(web, "GET /orders", 900, 1000, 20);
  exchange(web, "POST /orders", 100, 1000, 50);
  record::Moment& bad = moment(web, 0, 10, 1000);
  bad.counts.errors = 70;
  bad.counts.failedConnections = 6;
  bad.counts.denied = 2;
  bad.counts.resets = 3;
  const Impact standard = impact("retries", "{}");
  EXPECT_EQ(row(standard, "web", "retries").affected, (Bounds{0, 7})) << "4 failed to connect, 3 were reset";
  EXPECT_EQ(row(standard, "web", "retries").all, 1004u);
  const Impact gateway = impact("retries", R"({"on":["connect_failure","gateway_error"],"attempts":2})");
  EXPECT_EQ(row(gateway, "web", "retries").affected, (Bounds{0, 24}))
      << "4, and 20 of the methods that may be repeated";
  EXPECT_TRUE(notes(gateway, "added load: at most 48 exchanges, 5 % of 1004"));
  const Impact tight =
      impact("retries", R"({"on":["connect_failure","gateway_error"],"budget":{"ratio":0.005,"min_per_second":0}})");
  EXPECT_EQ(row(tight, "web", "retries").affected, (Bounds{0, 6})) << "0.5 % of 1004, up";
  EXPECT_EQ(unknown(impact("retries", R"({"on":["timeout"],"per_try_timeout":"1s","statuses":[429]})")),
            (std::vector<std::string>{"on timeout", "status 429"}));
}

}  // namespace
}  // namespace loam::features
