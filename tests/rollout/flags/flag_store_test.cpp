#include "rollout/flags/flag_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/fake_clock.h"
#include "tests/support/memory_ledger.h"

namespace loam::flags {
namespace {

class FlagStoreTest : public testing::Test {
 protected:
  FlagStoreTest() {
    char name[] = "/tmp/loam-flags-XXXXXX";
    directory = ::mkdtemp(name);
    journal = openJournal();
    store = makeStore();
  }
  ~FlagStoreTest() override { std::filesystem::remove_all(directory); }

  std::unique_ptr<audit::Journal> openJournal() { return *audit::Journal::open(directory + "/journal"); }
  std::unique_ptr<FlagStore> makeStore() {
    auto made = std::make_unique<FlagStore>(ledger, *journal, clock, log);
    EXPECT_TRUE(made->load());
    return made;
  }
  audit::Act act(const std::string& verb = "flag.set") {
    audit::Act made;
    made.who = "ada";
    made.verb = verb;
    made.reason = "a test";
    return made;
  }
  audit::Commit set(const Cell& cell, const std::string& stage) {
    Flag flag = store->desired()->flag(cell);
    const std::uint64_t base = flag.revision;
    flag.stage = stage;
    const audit::Edit edit{std::string(kFlagKind), cell.key(), base, toJson(flag)};
    return *store->commit({&edit, 1}, act());
  }

  test::FakeClock clock;
  Log log{LogLevel::Error};
  test::MemoryLedger ledger{clock};
  std::string directory;
  std::unique_ptr<audit::Journal> journal;
  std::unique_ptr<FlagStore> store;
};

const Cell kCart{"cart", "observe"};
const Cell kShop{"shop", "mtls"};

TEST_F(FlagStoreTest, BeginsWhereEveryServiceBegins) {
  EXPECT_EQ(store->desired()->flag(kCart).stage, "on");
  EXPECT_EQ(store->desired()->flag(kShop).stage, "off");
  EXPECT_EQ(store->desired()->flag(kShop).revision, 0u);
}

TEST_F(FlagStoreTest, ShowsACommitAndKeepsIt) {
  const audit::Commit done = set(kCart, "sampled");
  EXPECT_EQ(store->desired()->flag(kCart).stage, "sampled");
  EXPECT_EQ(store->desired()->flag(kCart).revision, done.revision);
  EXPECT_EQ(store->desired()->revision, done.revision);
  store = makeStore();
  EXPECT_EQ(store->desired()->flag(kCart).stage, "sampled");
  EXPECT_EQ(store->desired()->flag(kCart).revision, done.revision);
}

TEST_F(FlagStoreTest, ADrainIsKeptUntilItIsTakenBack) {
  const Drain drain{"web-1", "a test", "ada", 5, 0};
  const audit::Edit begin{std::string(kDrainKind), "web-1", 0, toJson(drain)};
  const audit::Commit done = *store->commit({&begin, 1}, act("proxy.drain"));
  Drain expected = drain;
  expected.revision = done.revision;
  EXPECT_EQ(store->desired()->drains.at("web-1"), expected);
  store = makeStore();
  EXPECT_EQ(store->desired()->drains.at("web-1"), expected);
  const audit::Edit lift{std::string(kDrainKind), "web-1", std::nullopt, std::nullopt};
  ASSERT_TRUE(store->commit({&lift, 1}, act("proxy.resume")));
  EXPECT_TRUE(store->desired()->drains.empty());
  EXPECT_TRUE(makeStore()->desired()->drains.empty());
}

TEST_F(FlagStoreTest, RefusesAnEditUnderAnotherRevision) {
  set(kCart, "sampled");
  const auto seen = store->desired();
  const audit::Edit edit{std::string(kFlagKind), kCart.key(), 0, toJson(seen->flag(kCart))};
  const auto done = store->commit({&edit, 1}, act());
  ASSERT_TRUE(done);
  ASSERT_EQ(done->stale.size(), 1u);
  EXPECT_EQ(done->stale[0].current, seen->flag(kCart).revision);
  EXPECT_EQ(store->desired(), seen);
}

TEST_F(FlagStoreTest, TellsItsListenersWhatIsWantedNow) {
  std::vector<std::uint64_t> told;
  store->onChange([&](std::shared_ptr<const Desired> desired) { told.push_back(desired->revision); });
  set(kCart, "sampled");
  set(kShop, "permissive");
  EXPECT_EQ(told, (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(FlagStoreTest, TheFlagOfEveryServiceHoldsWhereThereIsNoOther) {
  set({std::string(kEveryService), "observe"}, "off");
  set(kCart, "on");
  EXPECT_EQ(store->desired()->flag({"anybody", "observe"}).stage, "off");
  EXPECT_EQ(store->desired()->flag({"anybody", "observe"}).revision, 0u);
  EXPECT_EQ(store->desired()->flag(kCart).stage, "on");
}

TEST_F(FlagStoreTest, KillTakesOffWhatTheScopeMeansAndNothingElse) {
  set(kCart, "sampled");
  set(kShop, "permissive");
  set({"cart", "mtls"}, "permissive");
  const auto killed = store->kill("cart", "", act("kill"));
  EXPECT_EQ(killed.cells, (std::vector<Cell>{{"cart", "mtls"}, {"cart", "observe"}}));
  EXPECT_TRUE(store->desired()->flag({"cart", "mtls"}).killed);
  EXPECT_EQ(store->desired()->flag(kCart).stage, "off");
  EXPECT_EQ(store->desired()->flag(kShop).stage, "permissive");
  EXPECT_TRUE(store->kill("cart", "", act("kill")).cells.empty());
}

TEST_F(FlagStoreTest, WhoeverLowersMutualTlsBeginsAWayDownThatIsKept) {
  set(kShop, "strict");
  EXPECT_TRUE(store->desired()->descents.empty());
  clock.advance(seconds(1));
  store->kill("shop", "", act("kill"));
  ASSERT_TRUE(store->desired()->descents.contains(kShop));
  store = makeStore();
  const Descent kept = store->desired()->descents.at(kShop);
  EXPECT_EQ(kept.from.stage, "strict");
  clock.advance(seconds(1));
  set(kShop, "permissive");
  EXPECT_EQ(store->desired()->descents.at(kShop), kept) << "some may still be strict";
  store->endDescents(std::vector{kept});
  EXPECT_TRUE(store->desired()->descents.empty());
  EXPECT_TRUE(makeStore()->desired()->descents.empty());
}

TEST_F(FlagStoreTest, AWayDownIsOverWhenTheFlagIsBackAndBeginsAnewWhenItIsLoweredAgain) {
  set(kShop, "strict");
  set(kShop, "off");
  const Descent first = store->desired()->descents.at(kShop);
  clock.advance(seconds(1));
  set(kShop, "prefer");
  set(kShop, "off");
  const Descent second = store->desired()->descents.at(kShop);
  EXPECT_EQ(second.from.stage, "strict") << "from the highest that some may still run";
  EXPECT_NE(second, first);
  store->endDescents(std::vector{first});
  EXPECT_EQ(store->desired()->descents.at(kShop), second);
  set(kShop, "strict");
  EXPECT_TRUE(store->desired()->descents.empty());
}

TEST_F(FlagStoreTest, AJournalledKillKeepsItsWayDown) {
  set(kShop, "prefer");
  ledger.failWith(Error{ErrorCode::Exhausted, "disk full", ErrorOrigin::Local, false});
  ASSERT_TRUE(store->kill("shop", "", act("kill")).journalled);
  EXPECT_EQ(store->desired()->descents.at(kShop).from.stage, "prefer");
  ledger.failWith(std::nullopt);
  store->settleJournal();
  EXPECT_EQ(store->desired()->descents.at(kShop).from.stage, "prefer");
}

TEST_F(FlagStoreTest, KillOfAllAlsoEndsWhatNobodySwitchedOn) {
  set(kShop, "permissive");
  store->kill("", "", act("kill"));
  EXPECT_EQ(store->desired()->flag(kShop).stage, "off");
  EXPECT_EQ(store->desired()->flag({"anybody", "observe"}).stage, "off");
}

TEST_F(FlagStoreTest, KillHoldsWhenTheLedgerCannotBeWritten) {
  set(kShop, "permissive");
  ledger.failWith(Error{ErrorCode::Exhausted, "disk full", ErrorOrigin::Local, false});
  const std::uint64_t before = store->desired()->revision;
  const auto killed = store->kill("shop", "", act("kill"));
  EXPECT_TRUE(killed.journalled);
  EXPECT_EQ(store->desired()->flag(kShop).stage, "off");
  EXPECT_GT(killed.revision, before);
  // Everything else waits until it is written.
  const audit::Edit edit{std::string(kFlagKind), kCart.key(), 0, toJson(store->desired()->flag(kCart))};
  EXPECT_EQ(store->commit({&edit, 1}, act()).error().code, ErrorCode::Exhausted);

  ledger.failWith(std::nullopt);
  store->settleJournal();
  EXPECT_FALSE(store->isJournalled());
  const auto events = *ledger.events({});
  EXPECT_EQ(events.back().act.verb, "kill");
  EXPECT_EQ(events.back().toRevision, store->desired()->flag(kShop).revision);
  EXPECT_TRUE(set(kCart, "sampled").stale.empty());
}

TEST_F(FlagStoreTest, FlagsCanBeChangedAfterAJournalledKillWhateverTheLedgersLastCommitWas) {
  set(kShop, "permissive");
  const audit::Edit begin{"freeze", "fr-1", 0, toJson(Freeze())};
  const audit::Edit lift{"freeze", "fr-1", std::nullopt, std::nullopt};
  ASSERT_TRUE(store->commit({&begin, 1}, act()));
  ASSERT_TRUE(store->commit({&lift, 1}, act()));  // no document has the ledger's last revision now
  store = makeStore();
  ledger.failWith(Error{ErrorCode::Exhausted, "disk full", ErrorOrigin::Local, false});
  ASSERT_TRUE(store->kill("shop", "", act("kill")).journalled);
  ledger.failWith(std::nullopt);
  store->settleJournal();
  EXPECT_TRUE(set(kShop, "permissive").stale.empty());
}

TEST_F(FlagStoreTest, AJournalledKillOutlivesTheController) {
  set(kShop, "permissive");
  ledger.failWith(Error{ErrorCode::Exhausted, "disk full", ErrorOrigin::Local, false});
  const auto killed = store->kill("shop", "", act("kill"));
  journal = openJournal();
  store = makeStore();  // with the disk still full
  EXPECT_EQ(store->desired()->flag(kShop).stage, "off");
  EXPECT_EQ(store->desired()->revision, killed.revision);
  ledger.failWith(std::nullopt);
  journal = openJournal();
  store = makeStore();
  EXPECT_FALSE(store->isJournalled());
  EXPECT_EQ(store->desired()->flag(kShop).stage, "off");
  EXPECT_EQ(store->desired()->flag(kShop).revision, killed.revision);
}

TEST_F(FlagStoreTest, ReadsTheLedgerAgainWhenItIsNotKnownWhatWasWritten) {
  set(kShop, "permissive");
  ledger.failWith(Error{ErrorCode::Io, "a disk error", ErrorOrigin::Local, false});
  const audit::Edit edit{std::string(kFlagKind), kCart.key(), 0, toJson(store->desired()->flag(kCart))};
  EXPECT_FALSE(store->commit({&edit, 1}, act()));
  ledger.failWith(std::nullopt);
  // Somebody else's hand: what the lost commit may have left behind.
  const audit::Edit other{std::string(kFlagKind), kShop.key(), std::nullopt, std::nullopt};
  ASSERT_TRUE(ledger.commit({&other, 1}, act()));
  EXPECT_TRUE(set(kCart, "sampled").stale.empty());
  EXPECT_EQ(store->desired()->flag(kShop).stage, "off");
}

}  // namespace
}  // namespace loam::flags
