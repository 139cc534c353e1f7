#include "proxy/base/json.h"
#include "tests/rollout/fleet/fleet_fixture.h"

namespace loam::fleet {
namespace {

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

TEST_F(FleetTest, WhoCarriesAServiceIsToldOfThoseThatItsRoutesName) {
  const auto names = [this] {
    wire::Watch watch = question("p1");
    watch.capabilities.emplace_back("routing.on");
    const auto asked = ask(std::move(watch));
    std::vector<std::string> all;
    for (const wire::ServiceConfig& service : asked->snapshot->services) all.push_back(service.name);
    return all;
  };
  EXPECT_EQ(names(), std::vector<std::string>{"cart"});
  flags::Flag flag;
  flag.cell = {"cart", "routing"};
  flag.stage = "on";
  flag.revision = ++desired.revision;
  flag.settings =
      *parseJson(R"({"rules": [{"name": "r", "to": [{"service": "db"}, {"service": "nobody"}, {"weight": 2}]}]})");
  desired.flags[flag.cell] = flag;
  fleet.setDesired(std::make_shared<const flags::Desired>(desired));
  turn();
  EXPECT_EQ(names(), (std::vector<std::string>{"cart", "db"}));
  desired.flags[flag.cell].stage = "off";
  desired.flags[flag.cell].revision = ++desired.revision;
  fleet.setDesired(std::make_shared<const flags::Desired>(desired));
  turn();
  EXPECT_EQ(names(), std::vector<std::string>{"cart"});
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

TEST_F(FleetTest, D8_WhoIsSilentIsNoMatterOfTheWallClock) {
  test::FakeClock set;
  const auto stands = *io::EventLoop::make(set);
  Fleet jumpy(*stands, 7, set, log);
  wire::Watch first = question("p1", 0);
  io::TaskScope asking;
  asking.spawn(drop(jumpy.watch(std::move(first))));
  const Wall before = set.wall();
  for (const int days : {1, -1}) {
    set.setWall(before + std::chrono::days(days));
    EXPECT_FALSE(jumpy.isSilent(*jumpy.agent("p1"))) << days;
    EXPECT_EQ(jumpy.sinceContact(*jumpy.agent("p1")), milliseconds(0)) << days;
  }
  set.advance(Fleet::kSilentAfter + milliseconds(1));
  EXPECT_TRUE(jumpy.isSilent(*jumpy.agent("p1")));
}

TEST_F(FleetTest, D8_HowFarAClockIsOffIsMeasuredAtEachQuestion) {
  test::FakeClock set;
  const auto stands = *io::EventLoop::make(set);
  Fleet measuring(*stands, 7, set, log);
  const auto askAt = [&](std::optional<std::int64_t> shown) {
    wire::Watch watch = question("p1", 0);
    io::TaskScope asking;
    asking.spawn(drop(measuring.watch(std::move(watch), "", shown)));
    return *measuring.agent("p1");
  };
  const std::int64_t now = unixSeconds(set.wall());
  EXPECT_EQ(askAt(std::nullopt).clockAhead, std::nullopt) << "a program that does not say";
  for (const std::int64_t ahead : {0, 30, -30, 31, -31, 86'400, -86'400}) {
    const Agent agent = askAt(now + ahead);
    EXPECT_EQ(agent.clockAhead, ahead);
    EXPECT_EQ(agent.isClockOff(), std::abs(ahead) > 30) << ahead;
  }
  EXPECT_FALSE(askAt(now).isClockOff()) << "set right";
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

TEST_F(FleetTest, TheTextIsWhatTheWholeSnapshotWouldEncodeTo) {
  ask(question("p1"));
  set("cart", "sampled");
  const std::string text = *fleet.snapshotOf("p1");
  EXPECT_EQ(wire::encode(*wire::decodeSnapshot(text)), text);
}

}  // namespace
}  // namespace loam::fleet
