#include <random>

#include "proxy/filters/settings.h"
#include "proxy/filters/timeouts.h"
#include "rollout/features/recorded.h"
#include "tests/rollout/features/recorded_traffic.h"

namespace loam::features {
namespace {

using Names = std::vector<std::string>;

class ImpactTest : public RecordedTraffic {};

TEST_F(ImpactTest, AStageBesideTheRelayAffectsNobodyAndNeitherDoesOff) {
  exchange(usage("web", "10.0.0.1"), "", 10);
  const Impact simulated = impact("timeouts", R"({"request":"1ms"})", "simulate");
  EXPECT_EQ(simulated.verdict(), "none");
  EXPECT_TRUE(notes(simulated, "timeouts simulate works beside the relay"));
  for (const Feature& feature : registry()) {
    EXPECT_EQ(impact(std::string(feature.name), "{}", "off").verdict(), "none") << feature.name;
  }
  EXPECT_EQ(impact("observe", "{}").verdict(), "none");
  EXPECT_EQ(impact("shadow", R"({"candidate":"next"})").verdict(), "none");
}

TEST_F(ImpactTest, EveryFeatureWithAStageInTheWayAnswers) {
  for (const Feature& feature : registry()) {
    const bool isInTheWay = std::any_of(feature.ladder.begin(), feature.ladder.end(),
                                        [](const Stage& stage) { return stage.name != "off" && !stage.beside; });
    EXPECT_EQ(feature.impact != nullptr, isInTheWay) << feature.name;
  }
}

TEST_F(ImpactTest, TotalsAddUpRowsThatAreApartAndBoundThoseThatOverlap) {
  Impact both;
  both.rows = {{"web", "a", Counted::Exchanges, 10, {4, 6}, ""},
               {"web", "b", Counted::Exchanges, 10, {3, 8}, ""},
               {"cron", "", Counted::Exchanges, 5, {}, ""}};
  EXPECT_EQ(both.totals(), (std::vector<Impact::Total>{{Counted::Exchanges, 15, {7, 10}}}));
  both.apart = false;
  EXPECT_EQ(both.totals(), (std::vector<Impact::Total>{{Counted::Exchanges, 15, {4, 10}}}));
}

TEST_F(ImpactTest, WhatTheProxiesCountedIsToldByRuleAndCaller) {
  const auto count = [this](const std::string& feature, const std::string& rule, bool enforced, std::uint64_t times,
                            std::int64_t last) {
    record::VerdictSum sum;
    sum.feature = feature;
    sum.rule = rule;
    sum.enforced = enforced;
    sum.count = times;
    sum.last = last;
    traffic.calls.verdicts.push_back({"web", sum});
  };
  count("timeouts", "request", false, 3, 20);
  count("timeouts", "request", false, 4, 10);
  count("timeouts", "request", true, 1, 30);
  count("policy", "request", false, 9, 10);
  EXPECT_EQ(impact("timeouts", R"({"request":"1s"})").verdicts,
            (std::vector<CountedVerdicts>{{"web", "request", false, 7, 20}, {"web", "request", true, 1, 30}}));
}

/// Bounds hold the true number of those that took longer, and are no wider than the bucket that holds the bound.
TEST_F(ImpactTest, TimeoutsBoundWhatTookLonger) {
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> took;
  record::Usage& web = usage("web", "10.0.0.1");
  for (int i = 0; i < 3000; ++i) {
    took.push_back(1 + random() % (std::uint64_t{1} << (10 + random() % 16)));
    exchange(web, "", 1, took.back());
  }
  for (const std::uint64_t bound : {1, 2, 8, 16, 100, 250, 1000, 4096, 10'000, 33'000}) {
    const std::string written = durationText(milliseconds(bound));
    const Affected found = row(impact("timeouts", R"({"request":")" + written + "\"}"), "web", "request " + written);
    const auto longer = static_cast<std::uint64_t>(
        std::count_if(took.begin(), took.end(), [&](std::uint64_t one) { return one >= bound * 1000; }));
    EXPECT_LE(found.affected.least, longer) << written;
    EXPECT_GE(found.affected.most, longer) << written;
    EXPECT_EQ(found.all, 3000u);
    const auto beside = std::count_if(took.begin(), took.end(), [&](std::uint64_t one) {
      return Histogram::bucketOf(one) == Histogram::bucketOf(bound * 1000);
    });
    EXPECT_EQ(found.affected.most - found.affected.least, static_cast<std::uint64_t>(beside)) << written;
  }
}

TEST_F(ImpactTest, ATimeoutOfWhatTheRecordHoldsNoTimeOfIsAnUpperBound) {
  record::Usage& web = usage("web", "10.0.0.1");
  exchange(web, "", 90, 1000);
  exchange(web, "", 10, 3'000'000);
  web.tally.counts.requests += 2;  // ended without a time
  const Impact asked = impact("timeouts", R"({"request":"2s","response":"1s","idle":"1s","connect":"1s"})");
  EXPECT_EQ(row(asked, "web", "request 2s").affected, (Bounds{10, 12}));
  EXPECT_EQ(row(asked, "web", "response 1s").affected, (Bounds{0, 12}));
  EXPECT_EQ(row(asked, "web", "idle 1s").affected, (Bounds{0, 12}));
  EXPECT_EQ(unknown(asked), (Names{"connect 1s"}));
  EXPECT_EQ(asked.totals(), (std::vector<Impact::Total>{{Counted::Exchanges, 102, {10, 36}}}))
      << "rows overlap: the least is the greatest of them";
  ASSERT_EQ(asked.proposals.size(), 1u);
  EXPECT_EQ(asked.proposals[0].value, "5s") << "the next step above 3 s";
  EXPECT_EQ(asked.proposals[0].affected, (Bounds{0, 2}));
}

TEST_F(ImpactTest, RulesOfTimeoutsGoByMethodAndByTheFormOfThePath) {
  record::Usage& web = usage("web", "10.0.0.1");
  exchange(web, "GET /reports/{id}", 20, 5'000'000);
  exchange(web, "POST /orders", 7, 5'000'000);
  exchange(web, "", 3, 5'000'000);
  const Impact asked = impact("timeouts", R"({"request":"1s","rules":[
      {"name":"slow","match":{"paths":["/reports/**"]},"request":"30s"},
      {"name":"one","match":{"paths":["/reports/7"]},"request":"2s"}]})");
  EXPECT_EQ(row(asked, "web", "request 1s").affected, (Bounds{7, 10})) << "of three nobody knows the route";
  EXPECT_EQ(row(asked, "web", "slow: request 30s").affected, (Bounds{0, 0}));
  EXPECT_EQ(row(asked, "web", "one: request 2s").affected, (Bounds{0, 3})) << "the first rule takes all of its path";
  EXPECT_EQ(unknown(asked), (Names{"rule one", "rule slow"}));
}

TEST_F(ImpactTest, APolicyOnConnectionsIsAnsweredExactly) {
  usage("web", "10.0.0.1", 5);
  usage("batch", "10.0.0.2", 3, "postgres");
  const Impact asked =
      impact("policy", R"({"rules":[{"name":"no-batch","action":"deny","match":{"sources":["batch"]}}]})", "enforce");
  EXPECT_EQ(row(asked, "batch", "no-batch"),
            (Affected{"batch", "no-batch", Counted::Connections, 3, {3, 3}, "port 80"}));
  EXPECT_EQ(row(asked, "web").affected, (Bounds{}));
  EXPECT_EQ(asked.totals(), (std::vector<Impact::Total>{{Counted::Connections, 8, {3, 3}}}));
  EXPECT_EQ(asked.verdict(), "some");
  exclude = {"batch"};
  const Impact without =
      impact("policy", R"({"rules":[{"name":"no-batch","action":"deny","match":{"sources":["batch"]}}]})", "enforce");
  EXPECT_EQ(without.verdict(), "none");
  EXPECT_EQ(row(without, "batch", "no-batch").why, "excluded: the stage does not hold for it");
}

TEST_F(ImpactTest, APolicyOnExchangesIsAnsweredAsFarAsTheRecordTells) {
  record::Usage& web = usage("web", "10.0.0.1", 2);
  exchange(web, "GET /orders/{id}", 40);
  exchange(web, "POST /orders", 11);
  exchange(web, "DELETE /orders/{id}", 2);
  record::Usage& cron = usage("cron", "10.0.0.2", 1);
  exchange(cron, "POST /orders", 5);
  exchange(usage("old", "10.0.0.3", 1, "postgres"), "", 100);
  const Impact asked = impact("policy", R"({"rules":[
      {"name":"cron-may","action":"allow","match":{"sources":["cron"]}},
      {"name":"no-test","action":"deny","match":{"methods":["DELETE"],"headers":{"x-test":"*"}}},
      {"name":"no-writes","action":"deny","match":{"methods":["POST"],"paths":["/orders"]}},
      {"name":"no-seven","action":"deny","match":{"paths":["/orders/7"]}}]})",
                              "enforce");
  EXPECT_EQ(row(asked, "web", "no-writes").affected, (Bounds{11, 11}));
  EXPECT_EQ(row(asked, "web", "no-test or no-seven").affected, (Bounds{0, 2}));
  EXPECT_EQ(row(asked, "web", "no-seven").affected, (Bounds{0, 40}));
  EXPECT_EQ(row(asked, "cron").affected, (Bounds{}));
  EXPECT_EQ(unknown(asked), (Names{"rule no-seven", "rule no-test", "rule no-writes"}));
  EXPECT_TRUE(notes(asked, "HTTP/1 alone"));
  const auto totals = asked.totals();
  EXPECT_EQ(totals[0], (Impact::Total{Counted::Exchanges, 58, {11, 53}}));
}

TEST_F(ImpactTest, ADeniedConnectionIsNotCountedAgainByItsExchanges) {
  exchange(usage("web", "10.0.0.1", 2), "POST /orders", 11);
  const Impact asked = impact("policy", R"({"rules":[{"name":"out","action":"deny","match":{"sources":["web"]}},
      {"name":"no-writes","action":"deny","match":{"methods":["POST"]}}]})",
                              "enforce");
  EXPECT_EQ(asked.totals(),
            (std::vector<Impact::Total>{{Counted::Exchanges, 11, {}}, {Counted::Connections, 2, {2, 2}}}));
}

TEST_F(ImpactTest, StrictRefusesWhatCameInPlaintext) {
  usage("web", "10.0.0.1", 5).security = "mutual";
  usage("web", "10.0.0.1", 2).security = "no_proxy";
  usage("cron", "10.0.9.1", 3).security = "local";
  record::Usage& old = usage("old", "10.0.0.3", 9);
  old.tally.counts.failedConnections = 1;
  ground.now = kFrom + 86'400;
  ground.since = kFrom - 365 * 86'400;
  ground.callers.push_back({.name = "old", .connections = 9, .lastPlaintext = ground.now - 60, .lastSeen = ground.now});
  const Impact asked = impact("mtls", "{}", "strict");
  EXPECT_EQ(row(asked, "web", "plaintext"),
            (Affected{"web", "plaintext", Counted::Connections, 7, {2, 2}, "no_proxy"}));
  EXPECT_EQ(row(asked, "old", "plaintext"),
            (Affected{"old", "plaintext", Counted::Connections, 8, {8, 8}, "nobody looked"}));
  EXPECT_EQ(row(asked, "cron").affected, (Bounds{}));
  EXPECT_TRUE(notes(asked, "0 % of the callers are ready, and not old (plaintext within 8d)"));
  EXPECT_EQ(impact("mtls", "{}", "prefer").verdict(), "none");
}

TEST_F(ImpactTest, ServeTellsWhoSpeaksSomethingElseAndThatItKeepsNoHeads) {
  exchange(usage("web", "10.0.0.1", 4), "GET /", 9);
  usage("old", "10.0.0.3", 3, "http2");
  usage("probe", "10.0.0.4", 7, "tcp");  // connects and says nothing
  usage("db", "10.0.0.5", 2, "postgres", "10.0.9.1:5432");
  const Impact relayed = impact("serve", "{}");
  EXPECT_EQ(relayed.verdict(), "unknown");
  EXPECT_EQ(unknown(relayed), (Names{"the strict codec"}));
  EXPECT_TRUE(notes(relayed, "5 of 16 connections speak no HTTP/1 (http2, postgres, tcp): they stay relayed"));
  const Impact refused = impact("serve", R"({"on_mismatch":"refuse"})");
  EXPECT_EQ(row(refused, "old", "on_mismatch").affected, (Bounds{3, 3}));
  EXPECT_EQ(row(refused, "probe", "on_mismatch").affected, (Bounds{}));
  EXPECT_EQ(row(refused, "db").affected, (Bounds{})) << "its port speaks no HTTP/1";
}

TEST_F(ImpactTest, AFaultIsDoneToWhatFits) {
  record::Usage& web = usage("web", "10.0.0.1", 4);
  exchange(web, "GET /orders/{id}", 40);
  exchange(web, "POST /orders", 11);
  const Impact some = impact("fault", R"({"abort":{"status":503},"match":{"methods":["POST"]}})");
  EXPECT_EQ(row(some, "web", "abort").affected, (Bounds{11, 11}));
  EXPECT_TRUE(notes(some, "about 11 a day at 100 %"));
  const Impact held = impact("fault", R"({"delay":"1s","most_at_once":5})");
  EXPECT_EQ(row(held, "web", "delay 1s").affected, (Bounds{0, 51})) << "beyond so many at once they are spared";
  EXPECT_EQ(row(impact("fault", R"({"delay":"1s"})"), "web", "delay 1s").affected, (Bounds{51, 51}));
  const Impact connections = impact("fault", R"({"at":"connection","abort":{"reset":true}})");
  EXPECT_EQ(row(connections, "web", "abort"), (Affected{"web", "abort", Counted::Connections, 4, {4, 4}, ""}));
}

TEST_F(ImpactTest, RoutingTellsWhatWouldGoElsewhere) {
  record::Usage& web = usage("web", "10.0.0.1", 4);
  exchange(web, "GET /orders/{id}", 40);
  exchange(web, "POST /orders", 11);
  const Impact asked = impact("routing", R"({"rules":[
      {"name":"writes","match":{"methods":["POST"]},"to":[{"service":"next"}]},
      {"name":"canary","to":[{"labels":{"version":"v2"},"weight":1},{"weight":9}]}]})");
  EXPECT_EQ(row(asked, "web", "writes").affected, (Bounds{11, 11}));
  EXPECT_EQ(row(asked, "web", "canary"),
            (Affected{"web", "canary", Counted::Exchanges, 51, {0, 40}, "its weights draw"}));
  EXPECT_EQ(asked.totals(), (std::vector<Impact::Total>{{Counted::Exchanges, 51, {11, 51}}}));
}

TEST_F(ImpactTest, BalancingWithOneEndpointChoosesNothing) {
  usage("web", "10.0.0.1", 4);
  EXPECT_EQ(impact("balancing", "{}").verdict(), "none");
  usage("web", "10.0.0.1", 2, "http1", "10.0.9.2:80");
  const Impact two = impact("balancing", "{}");
  EXPECT_EQ(two.verdict(), "possible");
  EXPECT_TRUE(notes(two, "2 endpoints were called"));
}

TEST_F(ImpactTest, AMatchFitsForSureOnlyWhereTheRecordSaysSo) {
  const auto fitting = [](const std::string& match, const std::string& route) {
    filters::Match typed;
    std::vector<FieldProblem> problems;
    filters::readBy([&](filters::Form& form) { typed.describe(form); }, *parseJson(match), filters::Purpose::Use,
                    problems);
    EXPECT_TRUE(problems.empty()) << text(problems);
    record::Usage usage;
    exchange(usage, route, 1);
    return fitsRoute(typed, usage.call, routesOf(usage).at(0));
  };
  const char* const kId = "GET /users/{id}";
  EXPECT_EQ(fitting("{}", kId), Fits::Yes);
  EXPECT_EQ(fitting(R"({"methods":["GET"]})", kId), Fits::Yes);
  EXPECT_EQ(fitting(R"({"methods":["GET"]})", "other"), Fits::Maybe);
  EXPECT_EQ(fitting(R"({"methods":["POST"]})", kId), Fits::No);
  EXPECT_EQ(fitting(R"({"paths":["/users/**"]})", kId), Fits::Yes);
  EXPECT_EQ(fitting(R"({"paths":["/**"]})", kId), Fits::Yes);
  EXPECT_EQ(fitting(R"({"paths":["/users/7"]})", kId), Fits::Maybe);
  EXPECT_EQ(fitting(R"({"paths":["/users/7/**"]})", kId), Fits::Maybe);
  EXPECT_EQ(fitting(R"({"paths":["/admin/**"]})", kId), Fits::No);
  EXPECT_EQ(fitting(R"({"paths":["/admin/**","/users/**"]})", kId), Fits::Yes);
  EXPECT_EQ(fitting(R"({"paths":["/users"]})", "GET /users"), Fits::Yes);
  EXPECT_EQ(fitting(R"({"paths":["/users"]})", "GET /user"), Fits::No);
  EXPECT_EQ(fitting(R"({"paths":["/admin"]})", "GET /x/../admin"), Fits::Maybe) << "it may have another form";
  EXPECT_EQ(fitting(R"({"headers":{"x-a":"1"}})", kId), Fits::Maybe);
  EXPECT_EQ(fitting(R"({"headers":{"x-a":"1"},"methods":["PUT"]})", kId), Fits::No);
}

}  // namespace
}  // namespace loam::features
