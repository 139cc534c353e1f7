#include <gtest/gtest.h>

#include <algorithm>

#include "rollout/notify/controller_readings.h"
#include "rollout/notify/identity_readings.h"
#include "rollout/notify/proxy_readings.h"
#include "tests/rollout/identity/identities_fixture.h"

namespace loam::notify {
namespace {

const Reading* find(const std::vector<Reading>& readings, Event event, std::string_view subject) {
  const auto found = std::find_if(readings.begin(), readings.end(), [&](const Reading& reading) {
    return reading.event == event && reading.subject.starts_with(subject);
  });
  return found == readings.end() ? nullptr : &*found;
}

TEST(ProxyReadingsTest, AllIsWellUntilTheProxySaysOtherwise) {
  fleet::Agent agent;
  agent.name = "web-1";
  agent.lastContact = 1'764'201'600'000;
  std::vector<Reading> readings;
  readProxy(agent, false, readings);
  ASSERT_EQ(readings.size(), 4u);
  for (const Reading& reading : readings) EXPECT_FALSE(reading.holds);
  readings.clear();
  agent.refused = wire::Refusal{12, {"timeouts: unknown member x", "serve: too old"}};
  agent.killed = true;
  agent.clockAhead = -86'400;
  readProxy(agent, true, readings);
  for (const Reading& reading : readings) EXPECT_TRUE(reading.holds) << kindOf(reading.event).name;
  EXPECT_EQ(find(readings, Event::ProxySilent, "web-1")->summary, "Proxy web-1 was not heard of for 90 s.");
  EXPECT_EQ(find(readings, Event::ProxySilent, "web-1")->detail, "It asked last at 2025-11-27T00:00:00Z.");
  EXPECT_EQ(find(readings, Event::ProxyRefuses, "web-1")->detail,
            "generation 12; timeouts: unknown member x; serve: too old");
  EXPECT_EQ(find(readings, Event::ClockOff, "web-1")->summary,
            "The clock of proxy web-1 is 86400 s behind the controller's.");
}

class IdentityReadingsTest : public identity::test::IdentitiesFixture {
 protected:
  std::int64_t now() const { return unixSeconds(clock.wall()); }
  std::vector<Reading> standing() const {
    std::vector<Reading> readings;
    readStanding(*identities->standing(), now(), readings);
    return readings;
  }
  std::vector<Reading> certificates() const {
    std::vector<Reading> readings;
    readCertificates(identities->records(), now(), readings);
    return readings;
  }
  static bool holds(const std::vector<Reading>& readings, std::string_view subject) {
    const Reading* const found = find(readings, Event::IdentityExpiring, subject);
    EXPECT_NE(found, nullptr) << subject;
    return found != nullptr && found->holds;
  }
  std::vector<Reading> rotation(std::int64_t began, const std::vector<identity::Acknowledgement>& live) const {
    std::vector<Reading> readings;
    readRotation(identities->standing()->rotation, live, began, now(), readings);
    return readings;
  }
};

TEST_F(IdentityReadingsTest, WhatRenewsItselfIsNeverTold) {
  open();
  for (int day = 0; day < 400; ++day) {
    clock.advance(std::chrono::hours(24));
    identities->keepHouse();
    for (const Reading& reading : standing()) EXPECT_FALSE(reading.holds) << day << ": " << reading.summary;
  }
}

TEST_F(IdentityReadingsTest, WhatWasNotRenewedIsToldInTime) {
  open();
  clock.advance(std::chrono::hours(24) * 4);
  EXPECT_FALSE(holds(standing(), "controller"));
  clock.advance(std::chrono::hours(12));
  EXPECT_TRUE(holds(standing(), "controller")) << "two fifths of seven days are left";
  EXPECT_FALSE(holds(standing(), "intermediate of "));
  clock.advance(std::chrono::hours(24) * 331);
  EXPECT_TRUE(holds(standing(), "intermediate of ")) << "less than 30 days are left";
  EXPECT_FALSE(holds(standing(), "root "));
  clock.advance(std::chrono::hours(24) * (10 * 365 - 331 - 4 - 90));
  EXPECT_TRUE(holds(standing(), "root "));
  const auto readings = standing();
  EXPECT_NE(find(readings, Event::IdentityExpiring, "root ")->detail.find("loam identity rotate begin"),
            std::string::npos);
}

TEST_F(IdentityReadingsTest, AnAgentThatDidNotRenewIsToldUntilItDoes) {
  open();
  ASSERT_TRUE(join("node-a", mint()));
  const std::string spiffe = "spiffe://loam/proxy/node-a";
  EXPECT_FALSE(holds(certificates(), "proxy node-a"));
  clock.advance(std::chrono::hours(24) * 4);
  EXPECT_FALSE(holds(certificates(), "proxy node-a")) << "it may be late by a tenth";
  clock.advance(std::chrono::hours(12));
  EXPECT_TRUE(holds(certificates(), "proxy node-a"));
  ASSERT_TRUE(identities->renew(spiffe, "00", identity::test::request(), identity::test::address("10.0.0.1")));
  EXPECT_FALSE(holds(certificates(), "proxy node-a")) << "the newest counts";
  clock.advance(std::chrono::hours(24) * 8);
  EXPECT_TRUE(certificates().empty()) << "it has expired: nobody says that it was renewed";
}

TEST_F(IdentityReadingsTest, WhoIsRevokedIsNobodysConcern) {
  open();
  ASSERT_TRUE(join("node-a", mint()));
  ASSERT_TRUE(identities->deny(identity::Denial::Of::Name, "node-a", identity::test::by("ada")));
  EXPECT_TRUE(certificates().empty());
}

TEST_F(IdentityReadingsTest, AChangeOfTheRootThatWaitsIsToldAfterTenMinutes) {
  open();
  const std::int64_t began = now() - 1000;
  const std::vector<identity::Acknowledgement> late = {{"node-a", 1}, {"node-b", 1}};
  EXPECT_FALSE(rotation(began, late).front().holds) << "nothing changes";
  ASSERT_TRUE(identities->rotate(identity::RotationStep::Begin, late, identity::test::by("ada")));
  clock.advance(seconds(599));
  EXPECT_FALSE(rotation(began, late).front().holds);
  clock.advance(seconds(1));
  const auto readings = rotation(began, late);
  EXPECT_TRUE(readings.front().holds);
  EXPECT_EQ(readings.front().detail, "node-a, node-b");
  EXPECT_NE(readings.front().summary.find("both_trusted"), std::string::npos) << readings.front().summary;
  EXPECT_FALSE(rotation(began, {{"node-a", 2}, {"node-b", 2}}).front().holds) << "all have followed";
  EXPECT_TRUE(rotation(now() - 60, late).empty()) << "a controller that has just begun waits for all of them";
}

TEST(ControllerReadingsTest, TheLedgerAndTheJournalSayHowItIs) {
  EXPECT_FALSE(readLedger(std::nullopt).holds);
  EXPECT_FALSE(readJournal(false).holds);
  const Reading full = readLedger(Error{ErrorCode::Exhausted, "no space left"});
  EXPECT_TRUE(full.holds);
  EXPECT_NE(full.detail.find("no space left"), std::string::npos);
  EXPECT_TRUE(readJournal(true).holds);
}

TEST(ControllerReadingsTest, ManyWrongTokensWithinAMinuteAreAStorm) {
  const Monotonic start{std::chrono::hours(1)};
  TokenStorm storm;
  EXPECT_FALSE(storm.look(1000, start).holds) << "what was before it looked";
  EXPECT_FALSE(storm.look(1029, start + seconds(5)).holds);
  EXPECT_TRUE(storm.look(1030, start + seconds(10)).holds);
  EXPECT_TRUE(storm.look(1031, start + seconds(65)).holds) << "still one within a minute";
  EXPECT_TRUE(storm.look(1031, start + seconds(120)).holds);
  EXPECT_FALSE(storm.look(1031, start + seconds(125)).holds);
}

TEST(ControllerReadingsTest, WrongTokensNowAndThenAreNoStorm) {
  TokenStorm storm;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    EXPECT_FALSE(storm.look(i * 2, Monotonic{std::chrono::hours(1)} + seconds(5) * i).holds) << i;
  }
}

}  // namespace
}  // namespace loam::notify
