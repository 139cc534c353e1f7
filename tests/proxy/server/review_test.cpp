#include "proxy/server/review.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tcp_pair.h"

namespace loam::server {
namespace {

/// One connection of web (10.0.0.7) to billing (10.0.0.2:5432), admitted before there was a policy.
class ReviewTest : public testing::Test {
 protected:
  ReviewTest() { connection_.admitted(*pair_.first, {}); }
  static ServiceTable tableOf(const std::string& stage, const std::string& settings,
                              std::vector<std::string> exclude = {}) {
    wire::FeatureConfig policy;
    policy.feature = "policy";
    policy.stage = stage;
    policy.settings = *parseJson(settings);
    policy.exclude = std::move(exclude);
    wire::ServiceConfig service;
    service.name = "billing";
    service.endpoints = {*SocketAddress::parse("10.0.0.2:5432")};
    service.features = {policy};
    service.callers = {{"web", {*IpAddress::parse("10.0.0.7")}}};
    wire::Snapshot snapshot;
    snapshot.services = {service};
    auto made = ServiceTable::make(snapshot);
    EXPECT_TRUE(made) << made.error().describe();
    return *std::move(made);
  }
  void install(ServiceTable next) {
    review(live_, table_, next, clock_.now(),
           [this](const LiveConnection& live, const Service& service, std::string_view identity) {
             return filter::ConnectionView{.client = live.facts().client,
                                           .destination = live.facts().destination,
                                           .vantage = live.facts().vantage,
                                           .caller = service.callerAt(live.facts().client.ip),
                                           .identity = identity,
                                           .at = clock_.now()};
           });
    table_ = std::move(next);
    tick();
  }
  void tick() {
    closeDue(live_, clock_.now(), [this](const LiveConnection&, const filter::Denial& denial) {
      closed_ += denial.feature + "/" + denial.rule + ";";
    });
  }
  void after(seconds time) {
    clock_.advance(time);
    tick();
  }

  test::FakeClock clock_;
  const std::unique_ptr<io::EventLoop> loop_ = *io::EventLoop::make(clock_);
  const std::pair<std::unique_ptr<io::Socket>, std::unique_ptr<io::Socket>> pair_ = test::tcpPair(*loop_);
  LiveConnections live_;
  const relay::ConnectionFacts facts_{*SocketAddress::parse("10.0.0.7:40000"), *SocketAddress::parse("10.0.0.2:5432"),
                                      relay::Vantage::Inbound, 1};
  LiveConnection connection_{live_, facts_, clock_.now()};
  ServiceTable table_;
  std::string closed_;
};

constexpr const char* kNobodyInAMinute = R"({"default":"deny","close_within":"1m"})";

TEST_F(ReviewTest, ClosesSoLongAfterItWasNoLongerAdmittedAndOnce) {
  install(tableOf("enforce", kNobodyInAMinute));
  EXPECT_EQ(live_.leaving(), 1U);
  after(seconds(59));
  EXPECT_EQ(closed_, "");
  after(seconds(1));
  EXPECT_EQ(closed_, "policy/default;");
  EXPECT_TRUE(connection_.isClosed());
  char byte = 0;
  EXPECT_EQ(::recv(pair_.second->fd(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
  after(seconds(600));
  EXPECT_EQ(closed_, "policy/default;");
}

TEST_F(ReviewTest, NothingIsClosedWhereItIsLeftOutOrOnlySimulated) {
  for (const auto& [stage, settings] :
       {std::pair("enforce", R"({"default":"deny"})"), std::pair("simulate", kNobodyInAMinute),
        std::pair("enforce", R"({"default":"deny","close_within":"0s",
                                                      "rules":[{"name":"web","action":"allow","match":{"sources":["web"]}}]})")}) {
    install(tableOf(stage, settings));
    after(std::chrono::hours(24));
    EXPECT_EQ(closed_, "") << stage << " " << settings;
  }
  install(tableOf("enforce", kNobodyInAMinute, {"web"}));
  after(std::chrono::hours(24));
  EXPECT_EQ(closed_, "") << "the share lacks it";
}

TEST_F(ReviewTest, WhatIsLoosenedOrKilledInTheMeantimeClosesNobody) {
  install(tableOf("enforce", kNobodyInAMinute));
  after(seconds(30));
  install(tableOf("simulate", kNobodyInAMinute));
  EXPECT_EQ(live_.leaving(), 0U);
  after(seconds(600));
  install(tableOf("enforce", kNobodyInAMinute));
  after(seconds(59));
  install(ServiceTable());
  after(seconds(600));
  EXPECT_EQ(closed_, "");
  EXPECT_EQ(live_.leaving(), 0U);
}

TEST_F(ReviewTest, AnotherChangeThatDeniesItTooGivesNoNewTime) {
  install(tableOf("enforce", kNobodyInAMinute));
  after(seconds(50));
  install(tableOf("enforce", R"({"default":"deny","close_within":"55s"})"));
  after(seconds(5));
  EXPECT_EQ(closed_, "policy/default;");
}

TEST_F(ReviewTest, TheSameRulesUnderANewSnapshotJudgeNobodyAgain) {
  install(tableOf(
      "enforce",
      R"({"default":"allow","rules":[{"name":"a","action":"deny","match":{"ports":[1]}}],"close_within":"0s"})"));
  ServiceTable same = tableOf(
      "enforce",
      R"({"default":"allow","rules":[{"name":"a","action":"deny","match":{"ports":[1]}}],"close_within":"0s"})");
  EXPECT_EQ(same.rules(), table_.rules());
  install(std::move(same));
  EXPECT_EQ(closed_, "");
}

}  // namespace
}  // namespace loam::server
