#include "rollout/changes/changes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "rollout/changes/due.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_ledger.h"

namespace loam::changes {
namespace {

using flags::Cell;

const Cell kObserve{"cart", "observe"};
const Cell kServe{"cart", "serve"};
const Cell kTimeouts{"cart", "timeouts"};
const Cell kFault{"cart", "fault"};

/// With settings where the feature does nothing without.
CellEdit edit(const Cell& cell, const std::string& stage, std::optional<flags::Share> share = std::nullopt) {
  CellEdit made;
  if (cell.feature == "timeouts") {
    made.settings = Json::Value(Json::objectValue);
    (*made.settings)["request"] = "5s";
  }
  made.cell = cell;
  made.stage = stage;
  made.share = share;
  return made;
}

class ChangesTest : public testing::Test {
 protected:
  ChangesTest() {
    char name[] = "/tmp/loam-changes-XXXXXX";
    directory = ::mkdtemp(name);
    journal = *audit::Journal::open(directory + "/journal");
    store = std::make_unique<flags::FlagStore>(ledger, *journal, clock, log);
    changes = std::make_unique<Changes>(*store, clock, [this] { return ++drawn * 0x9e3779b97f4a7c15; });
    EXPECT_TRUE(store->load());
  }
  ~ChangesTest() override { std::filesystem::remove_all(directory); }

  audit::Act act(const std::string& who = "ada") {
    audit::Act made;
    made.who = who;
    made.verb = "change.apply";
    made.reason = "a test";
    return made;
  }
  Change propose(std::vector<CellEdit> edits) { return *changes->propose(std::move(edits), act()); }
  void apply(std::vector<CellEdit> edits) {
    const Change change = propose(std::move(edits));
    const auto applied = changes->apply(change.id, change.hash(), act());
    ASSERT_TRUE(applied && *applied);
  }
  Refused::Why refusal(const Change& change) {
    const auto applied = changes->apply(change.id, change.hash(), act());
    EXPECT_TRUE(applied && !*applied);
    return applied->error().why;
  }
  flags::Flag flag(const Cell& cell) { return store->desired()->flag(cell); }
  std::int64_t now() { return unixSeconds(clock.wall()); }

  test::FakeClock clock;
  Log log{LogLevel::Error};
  test::MemoryLedger ledger{clock};
  std::string directory;
  std::unique_ptr<audit::Journal> journal;
  std::unique_ptr<flags::FlagStore> store;
  std::unique_ptr<Changes> changes;
  std::uint64_t drawn = 0;
};

TEST_F(ChangesTest, AppliesWhatWasPreviewed) {
  const Change change = propose({edit(kObserve, "sampled", 10'000)});
  EXPECT_EQ(flag(kObserve).stage, "on");  // a proposal changes nothing
  const auto applied = changes->apply(change.id, change.hash(), act());
  ASSERT_TRUE(applied && *applied);
  const flags::Flag now = flag(kObserve);
  EXPECT_EQ(now.stage, "sampled");
  EXPECT_EQ(now.share, 10'000);
  EXPECT_EQ(now.by, "ada");
  EXPECT_EQ(now.reason, "a test");
  EXPECT_EQ(now.salt.size(), 16u);
  EXPECT_EQ(now.revision, (*applied)->revision);
  EXPECT_EQ(changes->find(change.id)->state, Change::State::Applied);
}

TEST_F(ChangesTest, KeepsTheSaltOnceItIsDrawn) {
  apply({edit(kObserve, "sampled", 10'000)});
  const std::string salt = flag(kObserve).salt;
  apply({edit(kObserve, "off")});
  apply({edit(kObserve, "sampled", 50'000)});
  EXPECT_EQ(flag(kObserve).salt, salt);
}

TEST_F(ChangesTest, WritesFlagsChangeAndEventsInOneCommit) {
  apply({edit(kObserve, "sampled"), edit(kServe, "simulate")});
  const auto events = *ledger.events({});
  ASSERT_GE(events.size(), 3u);
  const std::uint64_t revision = events.back().toRevision;
  int together = 0;
  for (const audit::Event& event : events) together += event.toRevision == revision ? 1 : 0;
  EXPECT_EQ(together, 3);  // two flags and the change
}

TEST_F(ChangesTest, E6_OfTwoProposalsForOneFlagTheSecondIsStale) {
  const Change first = propose({edit(kObserve, "sampled", 10'000)});
  const Change second = propose({edit(kObserve, "off")});
  ASSERT_TRUE(*changes->apply(first.id, first.hash(), act()));
  const auto refused = changes->apply(second.id, second.hash(), act("bo"));
  ASSERT_TRUE(refused && !*refused);
  EXPECT_EQ(refused->error().why, Refused::Why::Stale);
  ASSERT_EQ(refused->error().preview.moved.size(), 1u);
  EXPECT_EQ(refused->error().preview.moved[0].current.stage, "sampled");
  EXPECT_EQ(refused->error().preview.moved[0].current.by, "ada");
  EXPECT_EQ(flag(kObserve).stage, "sampled");
}

TEST_F(ChangesTest, RefusesAHashThatIsNotOfTheChange) {
  const Change change = propose({edit(kObserve, "sampled")});
  const auto refused = changes->apply(change.id, propose({edit(kObserve, "off")}).hash(), act());
  ASSERT_TRUE(refused && !*refused);
  EXPECT_EQ(refused->error().why, Refused::Why::Unseen);
}

TEST_F(ChangesTest, AppliesAndDiscardsOnce) {
  const Change change = propose({edit(kObserve, "sampled")});
  ASSERT_TRUE(*changes->apply(change.id, change.hash(), act()));
  EXPECT_EQ(refusal(*changes->find(change.id)), Refused::Why::Closed);
  const Change other = propose({edit(kObserve, "off")});
  ASSERT_TRUE(*changes->discard(other.id, act()));
  EXPECT_EQ(refusal(*changes->find(other.id)), Refused::Why::Closed);
  EXPECT_FALSE(*changes->discard("ch-nothing", act()));
  EXPECT_TRUE(changes->open().empty());
}

TEST_F(ChangesTest, NeedsAreMetByTheSameChangeOrBefore) {
  EXPECT_EQ(refusal(propose({edit(kTimeouts, "on")})), Refused::Why::NotReady);
  EXPECT_EQ(refusal(propose({edit(kTimeouts, "on"), edit(kServe, "on", 50'000)})), Refused::Why::NotReady);
  apply({edit(kTimeouts, "on"), edit(kServe, "on")});
  EXPECT_EQ(flag(kTimeouts).stage, "on");
}

TEST_F(ChangesTest, GoingDownNeedsNothing) {
  apply({edit(kTimeouts, "on"), edit(kServe, "on")});
  apply({edit(kServe, "off")});  // what stood on it is not ready any more
  const Change less = propose({edit(kTimeouts, "on", 10'000)});
  EXPECT_TRUE(changes->preview(less).applies());
}

TEST_F(ChangesTest, NamesEveryProblemOfEveryEdit) {
  CellEdit wrong = edit({"cart", "obsrve"}, "on");
  CellEdit stage = edit(kServe, "onn");
  CellEdit percent = edit({"cart", "policy"}, "simulate", 10'000);
  CellEdit endless = edit(kFault, "on", 1000);
  const Preview preview = changes->preview(propose({wrong, stage, percent, endless}));
  ASSERT_EQ(preview.judgements.size(), 4u);
  for (const Judgement& judgement : preview.judgements)
    EXPECT_FALSE(judgement.problems.empty()) << judgement.after.cell.key();
  std::string all;
  for (const Judgement& judgement : preview.judgements) all += text(judgement.problems) + "\n";
  for (const char* words : {"did you mean observe", "did you mean on", "takes no percentage", "needs an end"}) {
    EXPECT_NE(all.find(words), std::string::npos) << words << " in\n" << all;
  }
}

TEST_F(ChangesTest, OnlyWhatBeginsOnIsSetForEveryService) {
  EXPECT_TRUE(changes->preview(propose({edit({"*", "observe"}, "off")})).applies());
  EXPECT_FALSE(changes->preview(propose({edit({"*", "mtls"}, "permissive")})).applies());
}

TEST_F(ChangesTest, AFreezeKeepsFlagsFromRisingAndNothingElse) {
  apply({edit(kServe, "simulate")});
  flags::Freeze freeze;
  freeze.service = "cart";
  freeze.until = now() + 60;
  freeze.by = "bo";
  freeze.reason = "sale";
  const audit::Edit begin{std::string(flags::kFreezeKind), "fr-1", 0, toJson(freeze)};
  ASSERT_TRUE(store->commit({&begin, 1}, act()));
  EXPECT_EQ(refusal(propose({edit(kServe, "on")})), Refused::Why::Invalid);
  EXPECT_TRUE(changes->preview(propose({edit(kServe, "off")})).applies());
  EXPECT_TRUE(changes->preview(propose({edit({"shop", "serve"}, "simulate")})).applies());
  clock.advance(seconds(61));
  EXPECT_TRUE(changes->preview(propose({edit(kServe, "on")})).applies());
}

TEST_F(ChangesTest, TakesAFlagOffWhenItsTimeIsOver) {
  apply({edit(kServe, "on")});
  CellEdit fault = edit(kFault, "on", 1000);
  fault.expires = now() + 60;
  fault.settings = Json::Value(Json::objectValue);
  (*fault.settings)["abort"]["status"] = 503;
  apply({fault});
  clock.advance(seconds(59));
  changes->keepAppointments();
  EXPECT_EQ(flag(kFault).stage, "on");
  clock.advance(seconds(1));
  changes->keepAppointments();
  EXPECT_EQ(flag(kFault).stage, "off");
  EXPECT_EQ((*ledger.events({})).back().act.verb, "flag.expire");
}

TEST_F(ChangesTest, DoesWhatIsScheduledAndCallsOffWhatNoLongerApplies) {
  CellEdit later = edit(kServe, "on");
  later.at = now() + 60;
  apply({later});
  EXPECT_EQ(flag(kServe).stage, "off");
  clock.advance(seconds(60));
  changes->keepAppointments();
  EXPECT_EQ(flag(kServe).stage, "on");
  EXPECT_FALSE(flag(kServe).scheduled);

  apply({edit(kTimeouts, "simulate")});
  CellEdit timeouts = edit(kTimeouts, "on");
  timeouts.settings.reset();
  timeouts.at = now() + 60;
  apply({timeouts});
  apply({edit(kServe, "off")});
  clock.advance(seconds(60));
  changes->keepAppointments();
  EXPECT_EQ(flag(kTimeouts).stage, "simulate");
  EXPECT_FALSE(flag(kTimeouts).scheduled);
  EXPECT_EQ((*ledger.events({})).back().act.verb, "flag.called_off");
}

TEST_F(ChangesTest, RemembersOpenChangesOverARestart) {
  const Change change = propose({edit(kObserve, "sampled", 12'500)});
  Changes again(*store, clock, [] { return std::uint64_t{1}; });
  ASSERT_TRUE(again.load(*ledger.documents()));
  ASSERT_TRUE(again.find(change.id));
  EXPECT_EQ(*again.find(change.id), change);
  EXPECT_EQ(again.find(change.id)->hash(), change.hash());
}

TEST_F(ChangesTest, ADraftIsLookedAtAndNotKept) {
  const auto draft = changes->draft({edit(kObserve, "sampled", 10'000)}, act());
  ASSERT_TRUE(draft);
  const Preview seen = changes->preview(*draft);
  EXPECT_TRUE(seen.applies());
  EXPECT_EQ(draft->id, "");
  EXPECT_TRUE(changes->open().empty());
  EXPECT_TRUE(ledger.documents()->empty());
  apply({edit(kObserve, "sampled", 10'000)});
  EXPECT_EQ(flag(kObserve).salt, seen.judgements[0].after.salt);  // so that it names whom applying switches
}

TEST_F(ChangesTest, WhatIsProposedAndAppliedAtOnceIsOneCommitWithAllThatBelongsToIt) {
  flags::ServiceSettings settings;
  settings.owner = "team-a";
  const audit::Edit also{std::string(flags::kServiceKind), "cart", 0, toJson(settings)};
  const auto done = changes->applyAtOnce({edit(kObserve, "sampled")}, {also}, act());
  ASSERT_TRUE(done && *done);
  EXPECT_EQ((*done)->state, Change::State::Applied);
  EXPECT_EQ(changes->find((*done)->id)->revision, flag(kObserve).revision);
  EXPECT_EQ(store->desired()->service("cart").revision, flag(kObserve).revision);
  const auto refused = changes->applyAtOnce({edit(kTimeouts, "on")}, {}, act());
  ASSERT_TRUE(refused && !*refused);
  EXPECT_EQ(refused->error().why, Refused::Why::NotReady);
  EXPECT_TRUE(changes->open().empty());
}

TEST_F(ChangesTest, ProposalsThatNobodyLooksAfterExpireInADay) {
  const Change old = propose({edit(kObserve, "sampled")});
  clock.advance(std::chrono::hours(23));
  const Change young = propose({edit(kObserve, "off")});
  changes->keepAppointments();
  EXPECT_EQ(changes->open().size(), 2u);
  clock.advance(std::chrono::hours(1));
  changes->keepAppointments();
  EXPECT_EQ(changes->find(old.id)->state, Change::State::Discarded);
  EXPECT_EQ(changes->find(young.id)->state, Change::State::Open);
  const audit::Event last = ledger.events({})->back();
  EXPECT_EQ(last.key, old.id);
  EXPECT_EQ(last.act.who, "controller");
  EXPECT_EQ(last.act.reason, "expired unseen");
}

TEST_F(ChangesTest, ForgetsClosedOnesBeyondTheNewestThousandAndNoOpenOne) {
  constexpr std::size_t kSome = 5;
  const Change waiting = propose({edit(kServe, "simulate")});
  std::vector<std::string> closed;
  for (std::size_t i = 0; i < Changes::kMostClosed + kSome; ++i) {
    closed.push_back(propose({edit(kObserve, "sampled")}).id);
    ASSERT_TRUE(*changes->discard(closed.back(), act()));
  }
  const std::size_t events = ledger.events({.most = 10'000})->size();
  changes->keepAppointments();
  for (std::size_t i = 0; i < closed.size(); ++i) EXPECT_EQ(changes->find(closed[i]).has_value(), i >= kSome) << i;
  EXPECT_TRUE(changes->find(waiting.id));
  EXPECT_EQ(ledger.documents()->size(), Changes::kMostClosed + 1);
  EXPECT_EQ(ledger.events({.most = 10'000})->size(), events);  // the log says already what became of each
}

TEST_F(ChangesTest, WhatTheLedgerDoesNotTakeIsTriedAgain) {
  const Change old = propose({edit(kObserve, "sampled")});
  clock.advance(Changes::kOpenFor);
  ledger.failWith(Error{ErrorCode::Exhausted, "full"});
  changes->keepAppointments();
  EXPECT_EQ(changes->find(old.id)->state, Change::State::Open);
  ledger.failWith(std::nullopt);
  changes->keepAppointments();
  EXPECT_EQ(changes->find(old.id)->state, Change::State::Discarded);
}

TEST_F(ChangesTest, RefusesAChangeOfNothingAndOneThatSaysTwoThingsOfOneFlag) {
  EXPECT_EQ(changes->propose({}, act()).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(changes->propose({edit(kServe, "on"), edit(kServe, "off")}, act()).error().code,
            ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace loam::changes
