#include <gtest/gtest.h>

#include "shadow/observe/observer.h"
#include "shadow/observe/verdict_sink.h"
#include "tests/support/fake_clock.h"

namespace loam::observe {
namespace {

wire::Verdict verdictOf(const std::string& client, std::uint64_t count = 1) {
  return {.client = *IpAddress::parse(client),
          .destination = *SocketAddress::parse("10.0.0.2:80"),
          .identity = {},
          .feature = "policy",
          .rule = "default",
          .enforced = false,
          .start = 10,
          .count = count};
}

TEST(VerdictTableTest, AddsUpWhatIsTheSameAndShowsWhatFindsNoRoom) {
  VerdictTable table(2);
  EXPECT_TRUE(table.add(verdictOf("10.0.0.1")));
  EXPECT_TRUE(table.add(verdictOf("10.0.0.1", 4)));
  EXPECT_TRUE(table.add(verdictOf("10.0.0.3")));
  EXPECT_FALSE(table.add(verdictOf("10.0.0.4")));
  EXPECT_FALSE(table.add(verdictOf("10.0.0.5", 2)));
  EXPECT_TRUE(table.add(verdictOf("10.0.0.3"))) << "what has a row keeps it";
  const auto all = table.take();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(all[0].client.isUnspecified());
  EXPECT_EQ(all[0].rule, "other");
  EXPECT_EQ(all[0].count, 3u);
  EXPECT_EQ(all[1], verdictOf("10.0.0.1", 5));
  EXPECT_EQ(all[2], verdictOf("10.0.0.3", 2));
  EXPECT_TRUE(table.take().empty());
}

class VerdictSinkTest : public testing::Test {
 protected:
  VerdictSinkTest()
      : observer_(
            ObserverSettings{.proxy = "p", .epoch = 1, .seed = 3, .hostsPath = "/nonexistent"}, clock_, nullptr,
            nullptr,
            [this](const wire::Report& report) {
              verdicts.insert(verdicts.end(), report.verdicts.begin(), report.verdicts.end());
              losses = report.losses;
            },
            [] { return std::uint64_t{0}; }) {
    observer_.attach(channel_);
  }
  void deny(const std::string& client, const std::string& identity, const std::string& rule, bool enforced) {
    const filter::ConnectionView view{.client = {*IpAddress::parse(client), 4711},
                                      .destination = *SocketAddress::parse("10.0.0.2:80"),
                                      .vantage = relay::Vantage::Inbound,
                                      .caller = "web",
                                      .identity = identity,
                                      .generation = ++generation_};
    sink_.onDenied(view, {.feature = "policy", .rule = rule, .enforced = enforced});
  }
  void report() {
    clock_.advance(seconds(2));
    observer_.tick();
  }

  std::uint64_t generation_ = 0;
  test::FakeClock clock_;
  Channel channel_{3};
  ChannelVerdicts sink_{channel_, clock_};
  Observer observer_;
  std::vector<wire::Verdict> verdicts;
  wire::Losses losses;
};

TEST_F(VerdictSinkTest, ReportsEachOnceByEdgeRuleAndBucket) {
  deny("10.0.0.1", "", "default", false);
  deny("10.0.0.1", "", "default", false);
  deny("10.0.0.1", "spiffe://loam/proxy/a", "no-web", true);
  report();
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].client.text(), "10.0.0.1");
  EXPECT_EQ(verdicts[0].destination.text(), "10.0.0.2:80");
  EXPECT_EQ(verdicts[0].feature + "/" + verdicts[0].rule, "policy/default");
  EXPECT_EQ(verdicts[0].identity, "");
  EXPECT_EQ(verdicts[0].count, 2u);
  EXPECT_EQ(verdicts[0].generation, 2u) << "of the last one";
  EXPECT_FALSE(verdicts[0].enforced);
  EXPECT_EQ(verdicts[0].start % wire::kBucketSeconds, 0);
  EXPECT_EQ(verdicts[1].identity, "spiffe://loam/proxy/a");
  EXPECT_EQ(verdicts[1].rule, "no-web");
  EXPECT_TRUE(verdicts[1].enforced);
  report();
  EXPECT_EQ(verdicts.size(), 2u) << "told once";
  EXPECT_EQ(losses.records, 0u);
}

TEST_F(VerdictSinkTest, WhatFindsNoRoomIsCountedAsLost) {
  const std::size_t most = Channel::kRecords + Channel::kMostBacklog / 2;
  for (std::size_t i = 0; i < most + 10; ++i) deny("10.0.0.1", "", "default", false);
  for (int i = 0; i < 3; ++i) {
    report();
    channel_.refresh(clock_.now());
  }
  report();
  std::uint64_t counted = 0;
  for (const wire::Verdict& verdict : verdicts) counted += verdict.count;
  EXPECT_EQ(counted, most);
  EXPECT_EQ(losses.records, 10u);
}

}  // namespace
}  // namespace loam::observe
