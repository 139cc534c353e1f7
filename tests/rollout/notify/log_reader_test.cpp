#include "rollout/notify/log_reader.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"
#include "rollout/changes/changes.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_ledger.h"
#include "tests/support/temporary_directory.h"

namespace loam::notify {
namespace {

/// Over the parts of a controller that write the audit log, so that it is their words that are understood.
class LogReaderTest : public testing::Test {
 protected:
  LogReaderTest() { EXPECT_TRUE(store.load()); }

  static audit::Act act(std::string verb = "change.apply") {
    audit::Act made;
    made.who = "ada";
    made.verb = std::move(verb);
    made.reason = "requests hang";
    made.ticket = "INC-4";
    return made;
  }
  void set(const std::string& service, const std::string& feature, const std::string& stage, std::int64_t expiresIn = 0,
           const char* settings = "{}") {
    changes::CellEdit edit;
    edit.cell = {service, feature};
    edit.stage = stage;
    if (expiresIn != 0) edit.expires = unixSeconds(clock.wall()) + expiresIn;
    if (settings[1] != '}') edit.settings = *parseJson(settings);
    apply(edit);
  }
  void apply(const changes::CellEdit& edit) {
    const auto applied = changes.applyAtOnce({edit}, {}, act());
    ASSERT_TRUE(applied && *applied);
  }
  /// So many flags off in one commit.
  void killMany(std::size_t count) {
    std::vector<audit::Edit> edits;
    for (std::size_t i = 0; i < count; ++i) {
      Json::Value body(Json::objectValue);
      body["n"] = Json::UInt64(ledger.events({.most = 1'000'000})->size());
      edits.push_back({"flag", "s" + std::to_string(1000 + i) + "/serve", std::nullopt, body});
    }
    ASSERT_TRUE(ledger.commit(edits, act("kill")));
  }
  static std::vector<LogReader::Logged> readAll(LogReader& reader) {
    std::vector<LogReader::Logged> all;
    for (bool more = true; more;) {
      auto page = reader.next();
      EXPECT_TRUE(page) << page.error().describe();
      if (!page) return all;
      all.insert(all.end(), page->notices.begin(), page->notices.end());
      more = page->more;
    }
    return all;
  }
  std::uint64_t last() const { return *lastSequence(ledger); }

  test::FakeClock clock;
  Log log{LogLevel::Error};
  test::MemoryLedger ledger{clock};
  test::TemporaryDirectory directory;
  std::unique_ptr<audit::Journal> journal = *audit::Journal::open(directory / "journal");
  flags::FlagStore store{ledger, *journal, clock, log};
  std::uint64_t drawn = 0;
  changes::Changes changes{store, clock, [this] { return ++drawn * 0x9e3779b97f4a7c15; }};
  LogReader reader{ledger, 0};
};

TEST_F(LogReaderTest, AKillIsOneNoticeHoweverMuchItTookOff) {
  set("cart", "serve", "on");
  set("cart", "timeouts", "simulate", 0, R"({"request":"5s"})");
  EXPECT_TRUE(readAll(reader).empty()) << "what people do all day";
  store.kill("cart", "", act("kill"));
  const auto killed = readAll(reader);
  ASSERT_EQ(killed.size(), 1u);
  const Notice& notice = killed[0].notice;
  EXPECT_EQ(notice.name(), "flag.killed");
  EXPECT_EQ(notice.subject, "cart/*");
  EXPECT_EQ(notice.summary, "ada killed 3 flags: cart/observe, cart/serve, cart/timeouts.");
  EXPECT_EQ(notice.detail, "requests hang (ticket INC-4)");
  EXPECT_EQ(killed[0].sequence, last() - 2);
  EXPECT_EQ(reader.position(), last());
  EXPECT_TRUE(readAll(reader).empty());
}

TEST_F(LogReaderTest, TheScopeOfAKillIsSaid) {
  set("cart", "serve", "on");
  set("shop", "serve", "on");
  store.kill("cart", "serve", act("kill"));
  store.kill("", "observe", act("kill"));
  store.kill("", "", act("kill"));
  const auto killed = readAll(reader);
  ASSERT_EQ(killed.size(), 3u);
  EXPECT_EQ(killed[0].notice.subject, "cart/serve");
  EXPECT_EQ(killed[0].notice.summary, "ada killed cart/serve.");
  EXPECT_EQ(killed[0].notice.help, "loam flag history cart serve");
  EXPECT_EQ(killed[1].notice.subject, "*/observe");
  EXPECT_EQ(killed[2].notice.subject, "shop/serve");
}

TEST_F(LogReaderTest, AKillMayBeLongerThanAPage) {
  killMany(3 * LogReader::kPage + 7);
  killMany(2);
  const auto killed = readAll(reader);
  ASSERT_EQ(killed.size(), 2u);
  EXPECT_EQ(killed[0].sequence, 1u);
  EXPECT_EQ(killed[0].notice.summary,
            "ada killed 775 flags: s1000/serve, s1001/serve, s1002/serve, s1003/serve, "
            "s1004/serve and 770 more.");
  EXPECT_EQ(killed[1].sequence, 776u);
}

TEST_F(LogReaderTest, WhatIsUnfinishedIsReadAgain) {
  killMany(LogReader::kPage + 1);
  const auto page = reader.next();
  ASSERT_TRUE(page && page->more);
  EXPECT_TRUE(page->notices.empty());
  EXPECT_EQ(reader.position(), 0u) << "a restart now begins with the kill's first event";
  LogReader again(ledger, reader.position());
  EXPECT_EQ(readAll(again).size(), 1u);
  EXPECT_EQ(again.position(), last());
}

TEST_F(LogReaderTest, AKillThatWasJournalledIsToldWhenItIsInTheLog) {
  set("cart", "serve", "on");
  readAll(reader);
  ledger.failWith(Error{ErrorCode::Exhausted, "disk full"});
  EXPECT_TRUE(store.kill("cart", "serve", act("kill")).journalled);
  EXPECT_TRUE(readAll(reader).empty());
  ledger.failWith(std::nullopt);
  store.settleJournal();
  EXPECT_EQ(readAll(reader).size(), 1u);
}

TEST_F(LogReaderTest, AFlagThatCameToItsEndIsTold) {
  set("cart", "serve", "on");
  set("cart", "fault", "on", 60, R"({"abort":{"status":503}})");
  clock.advance(seconds(60));
  changes.keepAppointments();
  const auto told = readAll(reader);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notice.name(), "flag.expired");
  EXPECT_EQ(told[0].notice.summary, "The flag cart/fault came to its end and is off.");
  EXPECT_EQ(told[0].notice.help, "loam flag history cart fault");
  EXPECT_EQ(told[0].notice.at, unixSeconds(clock.wall()) * 1000);
}

TEST_F(LogReaderTest, AScheduledChangeThatCouldNotBeAppliedIsTold) {
  set("cart", "serve", "on");
  set("cart", "timeouts", "simulate", 0, R"({"request":"5s"})");
  changes::CellEdit later;
  later.cell = {"cart", "timeouts"};
  later.stage = "on";
  later.at = unixSeconds(clock.wall()) + 60;
  apply(later);
  set("cart", "serve", "off");
  clock.advance(seconds(60));
  changes.keepAppointments();
  const auto told = readAll(reader);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notice.name(), "flag.called_off");
  EXPECT_EQ(told[0].notice.subject, "cart/timeouts");
  EXPECT_NE(told[0].notice.summary.find("serve is off"), std::string::npos) << told[0].notice.summary;
}

TEST_F(LogReaderTest, ARevocationIsToldAndItsEndIsNot) {
  const std::string key = "name/spiffe://loam/proxy/node-a";
  const audit::Edit denied{"denial", key, 0, Json::Value(Json::objectValue)};
  ASSERT_TRUE(ledger.commit({&denied, 1}, act("identity.revoke")));
  const audit::Edit allowed{"denial", key, std::nullopt, std::nullopt};
  ASSERT_TRUE(ledger.commit({&allowed, 1}, act("identity.allow")));
  const auto told = readAll(reader);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notice.name(), "identity.revoked");
  EXPECT_EQ(told[0].notice.summary, "ada revoked " + key + ".");
  const Json::Value body = *parseJson(bodyOf(told[0].notice, "c"));
  EXPECT_EQ(body["help"], "loam identity allow " + key);
}

TEST_F(LogReaderTest, AnIdIsTheSameWheneverItIsRead) {
  killMany(3);
  killMany(3);
  const auto first = readAll(reader);
  LogReader other(ledger, 0);
  const auto again = readAll(other);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(first[0].notice.id, again[0].notice.id);
  EXPECT_EQ(first[0].notice.id, ledger.events({.most = 1})->front().hash.substr(0, 32));
  EXPECT_NE(first[0].notice.id, first[1].notice.id);
}

TEST_F(LogReaderTest, TheEndOfTheLogIsFound) {
  EXPECT_EQ(last(), 0u);
  for (std::uint64_t expected = 1; expected <= 40; ++expected) {
    killMany(1);
    EXPECT_EQ(last(), expected);
  }
}

}  // namespace
}  // namespace loam::notify
