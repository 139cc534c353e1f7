#include "rollout/fleet/fleet.h"

#include <gtest/gtest.h>

#include "proxy/io/task_scope.h"
#include "rollout/fleet/drain.h"
#include "tests/support/fake_clock.h"

namespace loam::fleet {
namespace {

class FleetTest : public testing::Test {
 protected:
  FleetTest() {
    Topology made;
    for (const char* name : {"cart", "shop", "db"}) {
      made.services[name].endpoints = {
          *SocketAddress::parse("10.0.0." + std::to_string(made.services.size() + 1) + ":80")};
    }
    made.carried["p1"] = {"cart"};
    made.carried["p2"] = {"shop"};
    fleet.setTopology(std::make_shared<const Topology>(made));
  }

  struct Asked {
    bool done = false;
    std::optional<wire::Snapshot> snapshot;
  };
  /// The proxy asks; the answer stands in what this gives once it has come.
  std::shared_ptr<Asked> ask(wire::Watch watch, std::string spiffe = {}) {
    const auto asked = std::make_shared<Asked>();
    scope.spawn(askInto(std::move(watch), std::move(spiffe), asked));
    turn();
    return asked;
  }
  io::Task<void> askInto(wire::Watch watch, std::string spiffe, std::shared_ptr<Asked> asked) {
    const auto answer = co_await fleet.watch(std::move(watch), std::move(spiffe));
    if (*answer) asked->snapshot = *wire::decodeSnapshot(**answer);
    asked->done = true;
  }
  static io::Task<void> drop(io::Task<Result<std::optional<std::string>>> asked) {
    const auto answer = co_await asked;
    (void)answer;
  }
  void turn() {
    for (int i = 0; i < 5; ++i) loop->turn(milliseconds(0));
  }
  static wire::Watch question(const std::string& proxy, std::uint32_t waitMs = 30'000) {
    wire::Watch watch;
    watch.proxy = proxy;
    watch.capabilities = {"observe.on", "observe.sampled"};
    watch.waitMs = waitMs;
    return watch;
  }
  /// What a proxy says that runs this snapshot.
  static wire::Watch running(const wire::Snapshot& snapshot) {
    wire::Watch watch = question(snapshot.proxy);
    watch.epoch = snapshot.epoch;
    watch.acknowledged = watch.inEffect = snapshot.generation;
    return watch;
  }
  void set(const std::string& service, const std::string& stage) {
    flags::Flag flag;
    flag.cell = {service, "observe"};
    flag.stage = stage;
    flag.revision = ++desired.revision;
    desired.flags[flag.cell] = flag;
    fleet.setDesired(std::make_shared<const flags::Desired>(desired));
    turn();
  }

  /// What a proxy says that knows how to be drained.
  static wire::Watch able(wire::Watch watch) {
    watch.capabilities.insert(watch.capabilities.begin(), std::string(wire::kDrainCapability));
    return watch;
  }
  void setDrained(const std::string& proxy, bool drained) {
    ++desired.revision;
    if (drained) {
      desired.drains[proxy] = {proxy, "a test", "ada", 5, desired.revision};
    } else {
      desired.drains.erase(proxy);
    }
    fleet.setDesired(std::make_shared<const flags::Desired>(desired));
    turn();
  }
  DrainState drainState(const std::string& proxy) const { return drainStateOf(*fleet.agent(proxy), fleet.epoch()); }

  SystemClock clock;
  Log log{LogLevel::Error};
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  flags::Desired desired;
  Fleet fleet{*loop, 7, clock, log};
  io::TaskScope scope;
};

TEST_F(FleetTest, GivesAFirstSnapshotAtOnce) {
  const auto asked = ask(question("p1"));
  ASSERT_TRUE(asked->snapshot);
  EXPECT_EQ(asked->snapshot->epoch, 7u);
  EXPECT_EQ(asked->snapshot->proxy, "p1");
  ASSERT_EQ(asked->snapshot->services.size(), 1u);
  EXPECT_EQ(asked->snapshot->services[0].name, "cart");
}

TEST_F(FleetTest, AnswersWhenThereIsSomethingNewAndNotBefore) {
  const auto first = ask(question("p1"));
  const auto second = ask(running(*first->snapshot));
  EXPECT_FALSE(second->done);
  set("shop", "off");  // another proxy's business
  EXPECT_FALSE(second->done);
  set("cart", "sampled");
  ASSERT_TRUE(second->snapshot);
  EXPECT_GT(second->snapshot->generation, first->snapshot->generation);
  EXPECT_EQ(second->snapshot->services[0].features.at(0).stage, "sampled");
}

TEST_F(FleetTest, AKillOfMutualTlsIsToldRungByRungAsEachIsInEffect) {
  const auto mtls = [](wire::Watch watch) {
    for (const char* stage : {"permissive", "prefer", "strict"})
      watch.capabilities.push_back(std::string("mtls.") + stage);
    return watch;
  };
  flags::Flag flag;
  flag.cell = {"cart", "mtls"};
  flag.stage = "strict";
  const auto want = [&] {
    flag.revision = ++desired.revision;
    desired.flags[flag.cell] = flag;
    fleet.setDesired(std::make_shared<const flags::Desired>(desired));
    turn();
  };
  want();
  auto last = ask(mtls(question("p1")));
  ASSERT_TRUE(last->snapshot);
  desired.descents[flag.cell] = {flag, 1};
  flag.stage = "off";
  want();
  for (const char* stage : {"strict", "prefer", "permissive"}) {
    ASSERT_EQ(last->snapshot->services.at(0).features.at(0).stage, stage);
    EXPECT_FALSE(fleet.progress("cart", desired.revision).isDone()) << stage;
    last = ask(mtls(running(*last->snapshot)));
    ASSERT_TRUE(last->snapshot) << "after " << stage;
  }
  EXPECT_TRUE(last->snapshot->services.at(0).features.empty());
  EXPECT_EQ(fleet.descentsOver().size(), 1u);
  EXPECT_FALSE(fleet.progress("cart", desired.revision).isDone());
  ask(mtls(running(*last->snapshot)));
  EXPECT_TRUE(fleet.progress("cart", desired.revision).isDone());
}

TEST_F(FleetTest, SaysNothingWhenTheWaitIsOver) {
  const auto first = ask(question("p1"));
  wire::Watch again = running(*first->snapshot);
  again.waitMs = 20;
  const auto second = ask(again);
  for (int i = 0; i < 100 && !second->done; ++i) loop->turn(milliseconds(5));
  EXPECT_TRUE(second->done);
  EXPECT_FALSE(second->snapshot);
}

TEST_F(FleetTest, WhoCameByCertificateIsToldWhomToBelieve) {
  wire::Trust trust;
  trust.step = 1;
  trust.issuing = "ab";
  trust.roots = {"a root"};
  fleet.setTrust(std::make_shared<const std::string>(wire::encode(trust)));
  const auto proven = ask(question("p1"), "spiffe://loam/proxy/p1");
  const auto local = ask(question("p2"));
  EXPECT_EQ(proven->snapshot->trust, trust);
  EXPECT_FALSE(local->snapshot->trust);
  wire::Watch has = running(*proven->snapshot);
  has.trust = 1;
  const auto next = ask(has, "spiffe://loam/proxy/p1");
  const auto localNext = ask(running(*local->snapshot));
  EXPECT_FALSE(next->done);
  EXPECT_EQ(fleet.agent("p1")->trust, 1u);
  EXPECT_EQ(fleet.agent("p1")->spiffe, "spiffe://loam/proxy/p1");
  trust.denied.push_back({wire::Denied::Of::Serial, "7f", 100});
  fleet.setTrust(std::make_shared<const std::string>(wire::encode(trust)));
  turn();
  ASSERT_TRUE(next->snapshot);
  EXPECT_EQ(next->snapshot->trust, trust);
  EXPECT_FALSE(localNext->done) << "none of its business";
  const auto same = ask(running(*next->snapshot), "spiffe://loam/proxy/p1");
  fleet.setTrust(std::make_shared<const std::string>(wire::encode(trust)));
  turn();
  EXPECT_FALSE(same->done) << "the same text is nothing new";
}

TEST_F(FleetTest, EveryProxyIsShown) {
  ask(question("p2"));
  ask(question("p1"));
  std::vector<std::string> shown;
  fleet.visit([&shown](const Agent& agent) { shown.push_back(agent.name); });
  EXPECT_EQ(shown, (std::vector<std::string>{"p1", "p2"}));
}

TEST_F(FleetTest, WhoHasNotAskedIsNamedOnceHeHadTheTime) {
  test::FakeClock later;
  const auto stands = *io::EventLoop::make(later);
  Fleet young(*stands, 7, later, log);
  Topology known;
  known.carried["p1"] = {"cart"};
  known.carried["p2"] = {"shop"};
  young.setTopology(std::make_shared<const Topology>(known));
  later.advance(Fleet::kSilentAfter);
  EXPECT_TRUE(young.neverAsked().empty());
  later.advance(milliseconds(1));
  EXPECT_EQ(young.neverAsked(), (std::vector<std::string>{"p1", "p2"}));
  wire::Watch first = question("p2", 0);
  io::TaskScope asking;
  asking.spawn(drop(young.watch(std::move(first))));
  EXPECT_EQ(young.neverAsked(), (std::vector<std::string>{"p1"}));
}

TEST_F(FleetTest, AtTheEndAllWhoWaitAreLetGo) {
  const auto first = ask(question("p1"));
  const auto second = ask(running(*first->snapshot));
  EXPECT_FALSE(second->done);
  fleet.letGo();
  turn();
  EXPECT_TRUE(second->done);
  EXPECT_FALSE(second->snapshot);
}

TEST_F(FleetTest, ANewQuestionEndsTheOlderOne) {
  const auto first = ask(question("p1"));
  const auto second = ask(running(*first->snapshot));
  const auto third = ask(running(*first->snapshot));
  EXPECT_TRUE(second->done);
  EXPECT_FALSE(second->snapshot);
  EXPECT_FALSE(third->done);
}

TEST_F(FleetTest, DoesNotSendAgainWhatIsRefused) {
  const auto first = ask(question("p1"));
  wire::Watch refusing = question("p1");
  refusing.refused = wire::Refusal{first->snapshot->generation, {"unknown stage"}};
  const auto second = ask(refusing);
  EXPECT_FALSE(second->done);
  EXPECT_EQ(fleet.progress("cart", 0).refused, std::vector<std::string>{"p1"});
  set("cart", "sampled");
  EXPECT_TRUE(second->snapshot);
}

TEST_F(FleetTest, WidensTheScopeByWhatAProxyMissed) {
  const auto first = ask(question("p1"));
  wire::Watch missing = running(*first->snapshot);
  missing.missed = {fleet.topology()->services.at("db").endpoints[0], *SocketAddress::parse("192.0.2.1:1")};
  const auto second = ask(missing);
  ASSERT_TRUE(second->snapshot);
  EXPECT_EQ(second->snapshot->services.size(), 2u);
}

TEST_F(FleetTest, ADefaultConcernsEverybody) {
  const auto one = ask(question("p1"));
  const auto two = ask(question("p2"));
  const auto oneMore = ask(running(*one->snapshot));
  const auto twoMore = ask(running(*two->snapshot));
  set(std::string(flags::kEveryService), "off");
  EXPECT_TRUE(oneMore->snapshot);
  ASSERT_TRUE(twoMore->snapshot);
  EXPECT_EQ(twoMore->snapshot->defaults.at(0).stage, "off");
}

TEST_F(FleetTest, ProgressTellsAcknowledgedFromInEffect) {
  const auto first = ask(question("p1"));
  const auto waiting = ask(running(*first->snapshot));
  set("cart", "sampled");
  Progress progress = fleet.progress("cart", desired.revision);
  EXPECT_EQ(progress.concerned, 1u);
  EXPECT_EQ(progress.acknowledged, 0u);
  EXPECT_EQ(progress.behind, std::vector<std::string>{"p1"});
  wire::Watch stored = running(*waiting->snapshot);
  stored.inEffect = 0;
  ask(stored);
  progress = fleet.progress("cart", desired.revision);
  EXPECT_EQ(progress.acknowledged, 1u);
  EXPECT_FALSE(progress.isDone());
  ask(running(*waiting->snapshot));
  EXPECT_TRUE(fleet.progress("cart", desired.revision).isDone());
  EXPECT_FALSE(fleet.progress("cart", desired.revision + 1).isDone());
}

TEST_F(FleetTest, AProxyThatHasNotAskedYetIsBehind) {
  const Progress progress = fleet.progress("shop", 0);
  EXPECT_EQ(progress.concerned, 1u);
  EXPECT_EQ(progress.behind, std::vector<std::string>{"p2"});
  EXPECT_FALSE(progress.isDone());
}

TEST_F(FleetTest, AnotherEpochsGenerationIsNotThisOnes) {
  wire::Watch old = question("p1");
  old.epoch = 6;
  old.acknowledged = old.inEffect = 1'000'000;
  const auto asked = ask(old);
  ASSERT_TRUE(asked->snapshot);
  EXPECT_EQ(asked->snapshot->epoch, 7u);
  EXPECT_FALSE(fleet.progress("cart", 0).isDone());
}

TEST_F(FleetTest, SettledWaitsForTheLastProxy) {
  const auto first = ask(question("p1"));
  const auto waiting = ask(running(*first->snapshot));
  set("cart", "sampled");
  std::optional<Progress> settled;
  scope.spawn(
      [](Fleet& of, std::uint64_t revision, Monotonic deadline, std::optional<Progress>& out) -> io::Task<void> {
        out = co_await of.settled("cart", revision, deadline);
      }(fleet, desired.revision, clock.now() + seconds(30), settled));
  turn();
  EXPECT_FALSE(settled);
  ask(running(*waiting->snapshot));
  while (!settled) loop->turn(Fleet::kTogether);  // what comes together is looked at once

  EXPECT_TRUE(settled->isDone());
}

TEST_F(FleetTest, ACommitThatTouchesNoFlagChangesNoSnapshot) {
  const auto first = ask(question("p1"));
  const auto waiting = ask(running(*first->snapshot));
  auto later = std::make_shared<flags::Desired>(desired);
  later->revision += 5;
  fleet.setDesired(later);
  turn();
  EXPECT_FALSE(waiting->snapshot) << "nobody is woken";
  EXPECT_EQ(fleet.agent("p1")->generation, first->snapshot->generation);
  EXPECT_TRUE(fleet.progress("cart", later->revision).isDone()) << "what runs is as good as made from it";
}

TEST_F(FleetTest, ADrainChangesTheBytesOfThatProxyAlone) {
  const auto one = ask(able(question("p1")));
  const auto two = ask(able(question("p2")));
  const std::string before = *fleet.snapshotOf("p1");
  const std::string other = *fleet.snapshotOf("p2");
  const auto oneMore = ask(able(running(*one->snapshot)));
  const auto twoMore = ask(able(running(*two->snapshot)));
  setDrained("p1", true);
  ASSERT_TRUE(oneMore->snapshot);
  EXPECT_TRUE(oneMore->snapshot->drained);
  EXPECT_FALSE(twoMore->done);
  EXPECT_EQ(*fleet.snapshotOf("p2"), other);
  EXPECT_TRUE(fleet.progress("shop", desired.revision).isDone()) << "who is not drained has what is wanted";
  const auto resumed = ask(able(running(*oneMore->snapshot)));
  setDrained("p1", false);
  ASSERT_TRUE(resumed->snapshot);
  wire::Snapshot again = *resumed->snapshot;
  again.generation = one->snapshot->generation;
  EXPECT_EQ(wire::encode(again), before) << "as if nothing had been";
  EXPECT_EQ(*fleet.snapshotOf("p2"), other);
}

TEST_F(FleetTest, AProxyThatDoesNotKnowDrainsIsNeverToldOfOne) {
  setDrained("p1", true);
  const auto first = ask(question("p1"));
  ASSERT_TRUE(first->snapshot);
  EXPECT_FALSE(first->snapshot->drained);
  EXPECT_EQ(drainState("p1"), DrainState::TooOld);
  const auto newer = ask(able(running(*first->snapshot)));
  ASSERT_TRUE(newer->snapshot) << "its successor does";
  EXPECT_TRUE(newer->snapshot->drained);
  EXPECT_EQ(drainState("p1"), DrainState::Asked);
  const auto older = ask(running(*newer->snapshot));
  ASSERT_TRUE(older->snapshot);
  EXPECT_FALSE(older->snapshot->drained);
}

TEST_F(FleetTest, ADrainIsInEffectWhenTheProxySaysSoOfThisOne) {
  const auto first = ask(able(question("p1")));
  EXPECT_EQ(drainState("p1"), DrainState::None);
  const auto asked = ask(able(running(*first->snapshot)));
  setDrained("p1", true);
  EXPECT_EQ(drainState("p1"), DrainState::Asked);
  wire::Watch drained = able(running(*asked->snapshot));
  drained.drained = wire::Drained{true, 0, {}, 0};
  ask(drained);
  EXPECT_EQ(drainState("p1"), DrainState::Draining) << "somebody may still come";
  drained.drained = wire::Drained{false, 2, {}, 0};
  ask(drained);
  EXPECT_EQ(drainState("p1"), DrainState::Draining);
  drained.drained = wire::Drained{false, 0, {}, 5};
  const auto last = ask(drained);
  EXPECT_EQ(drainState("p1"), DrainState::Drained) << "explicit ports stay open";
  set("cart", "sampled");
  EXPECT_EQ(drainState("p1"), DrainState::Drained) << "what else is wanted is another matter";
  setDrained("p1", false);
  EXPECT_EQ(drainState("p1"), DrainState::Resuming);
  setDrained("p1", true);
  EXPECT_EQ(drainState("p1"), DrainState::Asked) << "it may have heard of the resumption";
  setDrained("p1", false);
  ask(able(running(*wire::decodeSnapshot(*fleet.snapshotOf("p1")))));
  EXPECT_EQ(drainState("p1"), DrainState::None);
}

TEST_F(FleetTest, WhoIsToBeDrainedIsExpectedBeforeItAsks) {
  EXPECT_FALSE(fleet.agent("p1"));
  setDrained("p1", true);
  EXPECT_EQ(fleet.agent("p1")->drain->by, "ada");
  EXPECT_TRUE(fleet.agents().empty()) << "it did not ask";
  ASSERT_EQ(fleet.expected().size(), 1u);
  EXPECT_EQ(drainState("p1"), DrainState::Asked);
  EXPECT_TRUE(ask(able(question("p1")))->snapshot->drained) << "with its first snapshot";
  EXPECT_EQ(fleet.expected().size(), 1u);
}

TEST_F(FleetTest, TheTextIsWhatTheWholeSnapshotWouldEncodeTo) {
  ask(question("p1"));
  set("cart", "sampled");
  const std::string text = *fleet.snapshotOf("p1");
  EXPECT_EQ(wire::encode(*wire::decodeSnapshot(text)), text);
}

}  // namespace
}  // namespace loam::fleet
