#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "proxy/base/json.h"
#include "rollout/audit/chain.h"
#include "rollout/audit/ledger.h"
#include "tests/db/ledger_edits.h"
#include "tests/rollout/audit/apply_patch.h"
#include "tests/support/fake_clock.h"

// What every ledger has to do. A store is put under it with
//   INSTANTIATE_TEST_SUITE_P(Name, LedgerContractTest, testing::Values(<a LedgerFactory>));
// in one file of a test binary, and under durable_ledger_contract.h too when it keeps what it was told.

namespace loam::audit {

/// A store under test, empty at first.
class LedgerStore {
 public:
  virtual ~LedgerStore() = default;
  virtual std::unique_ptr<Ledger> open(const Clock& clock) = 0;
};

/// Makes stores of one kind; `name` is for the names of the tests.
struct LedgerFactory {
  const char* name = "";
  std::unique_ptr<LedgerStore> (*make)() = nullptr;

  friend void PrintTo(const LedgerFactory& factory, std::ostream* out) { *out << factory.name; }
};

class LedgerContractTest : public testing::TestWithParam<LedgerFactory> {
 protected:
  /// Nothing when there is none.
  std::optional<Document> document(const std::string& key, const std::string& kind = "flag") const {
    for (const Document& one : documentsOf(*ledger_)) {
      if (one.kind == kind && one.key == key) return one;
    }
    return std::nullopt;
  }

  Commit commit(const std::vector<Edit>& edits, const std::optional<Act>& act = by("ada")) {
    const auto done = ledger_->commit(edits, act);
    EXPECT_TRUE(done) << done.error().describe();
    return done.value_or(Commit{});
  }

  /// The keys of the events that a query finds, in order.
  std::string found(const EventQuery& query) const {
    std::string keys;
    for (const Event& event : eventsOf(*ledger_, query)) keys.append(keys.empty() ? "" : " ").append(event.key);
    return keys;
  }

  test::FakeClock clock_;
  std::unique_ptr<LedgerStore> store_ = GetParam().make();
  std::unique_ptr<Ledger> ledger_ = store_->open(clock_);
};

TEST_P(LedgerContractTest, BeginsEmpty) {
  EXPECT_TRUE(documentsOf(*ledger_).empty());
  EXPECT_TRUE(eventsOf(*ledger_).empty());
  const auto verified = ledger_->verify();
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->events, 0u);
  EXPECT_EQ(verified->last, kNoHash);
}

TEST_P(LedgerContractTest, KeepsDocumentsByKindAndKey) {
  commit({{"flag", "b", 0, bodyOf("on")}, {"change", "b", 0, bodyOf("x")}, {"flag", "a", 0, bodyOf("off")}});
  const auto documents = documentsOf(*ledger_);
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_EQ(documents[0].kind, "change");
  EXPECT_EQ(documents[1].key, "a");
  EXPECT_EQ(documents[2].key, "b");
  EXPECT_EQ(documents[2].body, bodyOf("on"));
}

TEST_P(LedgerContractTest, GivesBackAnyText) {
  const std::string awkward = "caf\xc3\xa9 '; DROP TABLE documents; -- % _ \\ \" \x01\x1b[2J \xf0\x9f\x8d\x82 $1 ?";
  Json::Value body(Json::objectValue);
  body[awkward] = *parseJson(R"(["\u0000",9007199254740993,-1,0.1,1e300,null,true,{}])");
  Act act = by(awkward);
  act.reason = awkward;
  commit({{awkward, awkward, 0, body}}, act);
  const auto kept = document(awkward, awkward);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->body, body);
  const auto events = eventsOf(*ledger_, {.kind = awkward, .key = awkward, .who = awkward});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].act, act);
  EXPECT_TRUE(ledger_->verify());
}

TEST_P(LedgerContractTest, RefusesWhatBreaksARuleAndChangesNothing) {
  const auto refused =
      ledger_->commit(std::vector<Edit>{{"flag", "a", 0, bodyOf("on")}, {"flag", "", 0, {}}}, by("ada"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
  EXPECT_TRUE(documentsOf(*ledger_).empty());
}

TEST_P(LedgerContractTest, AnEditThatExpectsAnotherRevisionIsStale) {
  const std::uint64_t first = commit({{"flag", "a", 0, bodyOf("off")}}).revision;
  const std::uint64_t second = commit({{"flag", "a", first, bodyOf("on")}}).revision;
  EXPECT_GT(second, first);
  const Commit stale = commit({{"flag", "a", first, bodyOf("off")}});
  ASSERT_EQ(stale.stale.size(), 1u);
  EXPECT_EQ(stale.stale[0].kind, "flag");
  EXPECT_EQ(stale.stale[0].key, "a");
  EXPECT_EQ(stale.stale[0].expected, first);
  EXPECT_EQ(stale.stale[0].current, second);
  EXPECT_EQ(stale.revision, second);
  EXPECT_EQ(commit({{"flag", "a", 0, bodyOf("off")}}).stale.size(), 1u);
  EXPECT_EQ(commit({{"flag", "none", 7, bodyOf("off")}}).stale.size(), 1u);
  EXPECT_EQ(commit({{"flag", "none", 7, {}}}).stale.size(), 1u);
  EXPECT_EQ(document("a")->body, bodyOf("on"));
  EXPECT_EQ(documentsOf(*ledger_).size(), 1u);
  EXPECT_EQ(eventsOf(*ledger_).size(), 2u);
}

TEST_P(LedgerContractTest, AllEditsOrNone) {
  commit({{"flag", "a", 0, bodyOf("off")}});
  const Commit stale =
      commit({{"flag", "new", 0, bodyOf("on")}, {"flag", "a", 99, bodyOf("on")}, {"flag", "a2", 0, {}}});
  EXPECT_EQ(stale.stale.size(), 1u);
  EXPECT_FALSE(document("new"));
  EXPECT_EQ(document("a")->body, bodyOf("off"));
  EXPECT_EQ(eventsOf(*ledger_).size(), 1u);
  EXPECT_TRUE(commit({{"flag", "new", 0, bodyOf("on")}, {"flag", "a", 1, bodyOf("on")}}).stale.empty());
  EXPECT_EQ(document("new")->revision, document("a")->revision);
}

TEST_P(LedgerContractTest, WithoutAnExpectationItTakesWhateverThereIs) {
  commit({{"flag", "a", {}, bodyOf("off")}});
  commit({{"flag", "a", {}, bodyOf("on")}});
  EXPECT_EQ(document("a")->body, bodyOf("on"));
  commit({{"flag", "a", {}, {}}});
  EXPECT_FALSE(document("a"));
}

TEST_P(LedgerContractTest, AnEditThatChangesNothingGetsNoRevisionAndNoEvent) {
  const std::uint64_t revision = commit({{"flag", "a", 0, bodyOf("on")}}).revision;
  EXPECT_EQ(commit({{"flag", "a", revision, bodyOf("on")}}).revision, revision);
  EXPECT_EQ(commit({{"flag", "none", {}, {}}}).revision, revision);
  EXPECT_EQ(commit({}).revision, revision);
  EXPECT_EQ(document("a")->revision, revision);
  EXPECT_EQ(eventsOf(*ledger_).size(), 1u);
  // Beside one that does, it still gets none.
  commit({{"flag", "a", revision, bodyOf("on")}, {"flag", "b", 0, bodyOf("on")}});
  EXPECT_EQ(document("a")->revision, revision);
  EXPECT_EQ(eventsOf(*ledger_).size(), 2u);
}

TEST_P(LedgerContractTest, RevisionsNeverComeAgain) {
  std::uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    const std::uint64_t made = commit({{"flag", "a", 0, bodyOf("on")}}).revision;
    EXPECT_GT(made, last);
    const std::uint64_t gone = commit({{"flag", "a", made, {}}}).revision;
    EXPECT_GT(gone, made);
    last = gone;
  }
}

TEST_P(LedgerContractTest, AnEventSaysWhoDidWhatWhenAndWhy) {
  clock_.setWall(Wall(milliseconds(1'234'567'890'123)));
  const std::uint64_t first = commit({{"flag", "a", 0, bodyOf("off", 1)}}).revision;
  const std::uint64_t second = commit({{"flag", "a", first, bodyOf("off", 2)}}, by("bob", "kill")).revision;
  commit({{"flag", "a", second, {}}});
  const auto events = eventsOf(*ledger_);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].sequence, 2u);
  EXPECT_EQ(events[1].at, 1'234'567'890'123);
  EXPECT_EQ(events[1].act, by("bob", "kill"));
  EXPECT_EQ(events[1].fromRevision, first);
  EXPECT_EQ(events[1].toRevision, second);
  EXPECT_EQ(writeJson(events[1].patch),
            R"([{"op":"test","path":"/share","value":1},{"op":"replace","path":"/share","value":2}])");
  EXPECT_EQ(events[0].fromRevision, 0u);
  EXPECT_EQ(events[2].toRevision, 0u);
}

TEST_P(LedgerContractTest, WhatHappensByItselfLeavesNoEvent) {
  const std::uint64_t revision = commit({{"proxy", "p", {}, bodyOf("seen")}}, std::nullopt).revision;
  EXPECT_EQ(document("p", "proxy")->revision, revision);
  EXPECT_TRUE(eventsOf(*ledger_).empty());
  EXPECT_TRUE(ledger_->verify());
}

TEST_P(LedgerContractTest, PatchesLeadToTheDocuments) {
  for (int i = 0; i < 60; ++i) {
    const std::string key = "k" + std::to_string(i % 7);
    commit({{"flag", key, {}, i % 11 == 10 ? std::nullopt : std::optional(bodyOf(i % 3 == 0 ? "on" : "off", i))}});
  }
  std::map<std::string, Json::Value> replayed;
  for (const Event& event : eventsOf(*ledger_)) {
    const auto next = applyPatch(replayed[event.key], event.patch);
    ASSERT_TRUE(next) << toJsonLine(event);
    replayed[event.key] = *next;
  }
  for (const Document& one : documentsOf(*ledger_)) {
    EXPECT_EQ(writeJson(replayed[one.key]), writeJson(one.body));
    replayed.erase(one.key);
  }
  for (const auto& [key, body] : replayed) EXPECT_TRUE(body.isNull()) << key;
}

TEST_P(LedgerContractTest, FindsEventsByWhatIsAsked) {
  const Wall start = clock_.wall();
  const auto at = [start](int second) {
    return std::chrono::duration_cast<milliseconds>((start + seconds(second)).time_since_epoch()).count();
  };
  const std::pair<const char*, const char*> made[] = {{"flag", "a"}, {"flag", "b"}, {"token", "a"}, {"flag", "c"}};
  for (const auto& [kind, key] : made) {
    commit({{kind, key, 0, bodyOf("on")}}, by(*key == 'b' ? "bob" : "ada"));
    clock_.advance(seconds(1));
  }
  EXPECT_EQ(found({}), "a b a c");
  EXPECT_EQ(found({.kind = "flag"}), "a b c");
  EXPECT_EQ(found({.kind = "flag", .key = "a"}), "a");
  EXPECT_EQ(found({.who = "bob"}), "b");
  EXPECT_EQ(found({.who = "nobody"}), "");
  EXPECT_EQ(found({.from = at(1)}), "b a c");
  EXPECT_EQ(found({.to = at(1)}), "a");
  EXPECT_EQ(found({.from = at(1), .to = at(3)}), "b a");
  EXPECT_EQ(found({.after = 2, .kind = "flag", .who = "ada", .from = at(0), .to = at(9)}), "c");
  EXPECT_EQ(found({.most = 0}), "");
}

TEST_P(LedgerContractTest, KnowsTheNewestEvent) {
  EXPECT_EQ(*ledger_->newest(), 0u);
  ASSERT_TRUE(
      ledger_->commit(std::vector<Edit>{{"flag", "a", {}, bodyOf("on")}, {"flag", "b", {}, bodyOf("on")}}, by("ada")));
  EXPECT_EQ(*ledger_->newest(), 2u);
  ASSERT_TRUE(ledger_->commit(std::vector<Edit>{{"proxy", "p", {}, bodyOf("seen")}}, std::nullopt));
  EXPECT_EQ(*ledger_->newest(), 2u) << "no event";
}

TEST_P(LedgerContractTest, GivesEventsInPages) {
  for (int i = 0; i < 25; ++i) commit({{"flag", "k" + std::to_string(i), 0, bodyOf("on")}});
  Chain chain;
  std::vector<std::size_t> pages;
  for (;;) {
    const auto page = eventsOf(*ledger_, {.after = chain.sequence(), .most = 10});
    if (page.empty()) break;
    pages.push_back(page.size());
    for (const Event& event : page) ASSERT_TRUE(chain.follow(event));
  }
  EXPECT_EQ(pages, (std::vector<std::size_t>{10, 10, 5}));
  const auto verified = ledger_->verify();
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->events, 25u);
  EXPECT_EQ(verified->last, chain.hash());
}

TEST_P(LedgerContractTest, OfManyThatSwapTheSameRevisionOneWins) {
  std::uint64_t revision = commit({{"flag", "a", 0, bodyOf("start")}}).revision;
  constexpr int kThreads = 8;
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> won{0};
    std::atomic<int> lost{0};
    std::atomic<std::uint64_t> next{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        const std::vector<Edit> edits{{"flag", "a", revision, bodyOf("t", round * kThreads + i)}};
        const auto done = ledger_->commit(edits, by("t" + std::to_string(i)));
        if (!done) return;
        ++(done->stale.empty() ? won : lost);
        if (done->stale.empty()) next = done->revision;
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(won, 1);
    ASSERT_EQ(lost, kThreads - 1);
    ASSERT_EQ(document("a")->revision, next);
    revision = next;
  }
  EXPECT_EQ(eventsOf(*ledger_, {.most = 1000}).size(), 21u);
  EXPECT_TRUE(ledger_->verify());
}

TEST_P(LedgerContractTest, ReadersBesideWritersSeeWholeCommits) {
  std::atomic<bool> ended{false};
  std::atomic<int> reads{0};
  std::thread reader([&] {
    while (!ended || reads == 0) {
      const auto documents = ledger_->documents();
      ++reads;
      ASSERT_TRUE(documents) << documents.error().describe();
      for (const Document& one : *documents) EXPECT_EQ(one.body, documents->front().body);
      EXPECT_TRUE(ledger_->verify());
    }
  });
  for (int i = 0; i < 200; ++i)
    commit(
        {{"flag", "a", {}, bodyOf("on", i)}, {"flag", "b", {}, bodyOf("on", i)}, {"flag", "c", {}, bodyOf("on", i)}});
  ended = true;
  reader.join();
  EXPECT_EQ(ledger_->verify()->events, 600u);
}

}  // namespace loam::audit
