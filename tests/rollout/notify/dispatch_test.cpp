#include "rollout/notify/dispatch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "proxy/base/json.h"
#include "tests/rollout/notify/fake_transport.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_ledger.h"
#include "tests/support/temporary_directory.h"

namespace loam::notify {
namespace {

using Ids = std::vector<std::string>;

/// A controller's webhooks on a clock that stands still, over an audit log in memory; may be started again and again.
class DispatchTest : public testing::Test {
 protected:
  /// `names`: of the webhooks that are configured. The one that ran before was killed.
  void start(const std::vector<std::string>& names = {"oncall"}) {
    dispatch.reset();
    loop = *io::EventLoop::make(clock);
    Dispatch::Transports hooks;
    for (const std::string& name : names) {
      HookSettings settings;
      settings.name = name;
      settings.url = *HookUrl::parse("http://10.0.0.5/");
      if (name == "flags-only") settings.events = {Event::FlagKilled, Event::FlagExpired};
      hooks.emplace_back(settings, std::make_unique<test::FakeTransport>(receivers[name]));
    }
    dispatch = std::make_unique<Dispatch>(
        *loop, Dispatch::Settings{"ctl-1", file}, std::move(hooks), ledger, [this] { return ++drawn; }, clock, log);
    ASSERT_TRUE(dispatch->open());
    dispatch->begin();
    turn();
  }
  void turn() {
    for (int i = 0; i < 6; ++i) loop->turn(milliseconds(0));
  }
  void pass(nanoseconds time, nanoseconds step = milliseconds(500)) {
    for (nanoseconds passed{0}; passed < time; passed += step) {
      clock.advance(step);
      turn();
    }
  }
  /// One commit with that verb, of so many flags; gives the id of its notice.
  std::string commit(const std::string& verb, std::size_t count = 1) {
    audit::Act act;
    act.who = "ada";
    act.verb = verb;
    const std::uint64_t before = *lastSequence(ledger);
    std::vector<audit::Edit> edits;
    for (std::size_t i = 0; i < count; ++i) {
      Json::Value body(Json::objectValue);
      body["n"] = Json::UInt64(before);
      edits.push_back({"flag", "cart/f" + std::to_string(100 + i), std::nullopt, body});
    }
    EXPECT_TRUE(ledger.commit(edits, act));
    if (dispatch) dispatch->ledgerMoved();
    if (dispatch) turn();
    return ledger.events({.after = before, .most = 1})->front().hash.substr(0, 32);
  }
  void see(const std::string& proxy, bool silent) {
    Reading reading{Event::ProxySilent, proxy, silent};
    if (silent) reading.summary = proxy + " is silent";
    dispatch->seen({reading});
    turn();
  }
  test::FakeReceiver& oncall() { return receivers["oncall"]; }
  static Result<Answer> nobody() { return fail(ErrorCode::Refused, "nobody there"); }
  Json::Value kept() const {
    std::ifstream in(file);
    std::string digest;
    std::string text;
    std::getline(in, digest);
    std::getline(in, text);
    return parseJson(text).value_or(Json::Value());
  }

  loam::test::FakeClock clock;
  Log log{LogLevel::Error, -1};
  loam::test::MemoryLedger ledger{clock};
  const loam::test::TemporaryDirectory directory;
  const std::string file = directory / "control.db.webhooks";
  std::uint64_t drawn = 0;
  std::map<std::string, test::FakeReceiver> receivers;
  std::unique_ptr<io::EventLoop> loop;
  std::unique_ptr<Dispatch> dispatch;
};

TEST_F(DispatchTest, WhatNeedsAPersonInTheLogIsSentUnderTheIdOfItsEvent) {
  commit("kill");
  start();
  EXPECT_EQ(oncall().ids(), Ids{}) << "a new webhook begins with now";
  commit("flag.set");
  const std::string id = commit("kill", 3);
  EXPECT_EQ(oncall().ids(), Ids{id});
  EXPECT_EQ(oncall().posts[0].event, "flag.killed");
  const Json::Value body = *parseJson(oncall().posts[0].body);
  EXPECT_EQ(body["id"], id);
  EXPECT_EQ(body["controller"], "ctl-1");
  EXPECT_EQ(body["subject"], "cart/*");
}

TEST_F(DispatchTest, EachIsToldOfWhatItWantsAndNobodyWaitsForAnother) {
  receivers["broken"].usual = nobody();
  start({"oncall", "flags-only", "broken"});
  see("web-1", true);
  commit("kill");
  EXPECT_EQ(oncall().posts.size(), 2u);
  ASSERT_EQ(receivers["flags-only"].posts.size(), 1u);
  EXPECT_EQ(receivers["flags-only"].posts[0].event, "flag.killed");
  EXPECT_EQ(receivers["broken"].posts.size(), 1u);
  EXPECT_EQ(dispatch->hooks()[2]->standing().waiting, 2u);
}

TEST_F(DispatchTest, ARestartGoesOnWhereItWasWithoutLoss) {
  start();
  commit("kill");
  pass(seconds(2));
  start();
  EXPECT_EQ(oncall().posts.size(), 1u) << "what was delivered is not sent again";
  dispatch.reset();
  const std::string first = commit("kill");
  const std::string second = commit("flag.expire");
  start();
  Ids ids = oncall().ids();
  ids.erase(ids.begin());
  EXPECT_EQ(ids, (Ids{first, second})) << "nobody ran when it happened";
}

TEST_F(DispatchTest, AKillOfTheControllerBetweenSendsItAgainUnderTheSameId) {
  start();
  pass(seconds(2));
  const std::string id = commit("kill");
  start();  // before it could be kept that it was delivered
  EXPECT_EQ(oncall().ids(), (Ids{id, id}));
  oncall().usual = nobody();
  const std::string next = commit("kill");
  pass(seconds(2));
  oncall().usual = Answer{.status = 200};
  oncall().posts.clear();
  start();
  EXPECT_EQ(oncall().ids(), Ids{next}) << "and what nobody took is not lost";
}

TEST_F(DispatchTest, AWebhookThatIsNewAndKilledAtOnceMissesNothing) {
  start();
  dispatch.reset();
  const std::string id = commit("kill");
  start();
  EXPECT_EQ(oncall().ids(), Ids{id}) << "that it began was kept before anything else";
}

TEST_F(DispatchTest, WhatWaitsAtTheEndIsSentByTheNextOneWhateverItIs) {
  oncall().usual = nobody();
  start();
  see("web-1", true);
  const std::string killed = commit("kill");
  commit("flag.set");
  pass(seconds(2));
  const std::string silent = oncall().ids().front();
  oncall().posts.clear();
  oncall().usual = Answer{.status = 200};
  start();
  Ids ids = oncall().ids();
  std::sort(ids.begin(), ids.end());
  Ids expected{silent, killed};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(ids, expected) << "a state is in no log: it was kept whole";
}

TEST_F(DispatchTest, AStateIsToldOnceAlsoAcrossRestarts) {
  start();
  see("web-1", true);
  see("web-1", true);
  pass(seconds(2));
  start();
  see("web-1", true);
  EXPECT_EQ(oncall().posts.size(), 1u);
  pass(seconds(2));
  start();
  see("web-1", false);
  ASSERT_EQ(oncall().posts.size(), 2u);
  EXPECT_EQ(oncall().posts[1].event, "proxy.back");
  see("web-1", false);
  EXPECT_EQ(oncall().posts.size(), 2u);
}

TEST_F(DispatchTest, ANewWebhookIsToldOfNothingThatWasBefore) {
  oncall().usual = nobody();
  start();
  commit("kill");
  see("web-1", true);
  pass(seconds(2));
  start({"oncall", "second"});
  pass(seconds(2));
  EXPECT_EQ(receivers["second"].posts.size(), 0u) << "although the log is read again for the first";
  const std::string id = commit("kill");
  EXPECT_EQ(receivers["second"].ids(), Ids{id});
}

TEST_F(DispatchTest, ALedgerThatWasRestoredHoldsUpNothing) {
  start();
  for (int i = 0; i < 10; ++i) commit("kill");
  pass(seconds(2));
  loam::test::MemoryLedger restored(clock);
  oncall().posts.clear();
  dispatch.reset();
  Dispatch::Transports hooks;
  HookSettings settings;
  settings.name = "oncall";
  settings.url = *HookUrl::parse("http://10.0.0.5/");
  hooks.emplace_back(settings, std::make_unique<test::FakeTransport>(oncall()));
  loop = *io::EventLoop::make(clock);
  Dispatch over(
      *loop, {"ctl-1", file}, std::move(hooks), restored, [this] { return ++drawn; }, clock, log);
  ASSERT_TRUE(over.open());
  over.begin();
  Json::Value body(Json::objectValue);
  const audit::Edit edit{"flag", "cart/serve", std::nullopt, body};
  audit::Act act;
  act.who = "ada";
  act.verb = "kill";
  ASSERT_TRUE(restored.commit({&edit, 1}, act));
  over.ledgerMoved();
  turn();
  EXPECT_EQ(oncall().posts.size(), 1u) << "its sequences begin anew";
}

TEST_F(DispatchTest, AFileThatIsDamagedIsNoReasonToStop) {
  start();
  commit("kill");
  pass(seconds(2));
  std::ofstream(file) << "not what was written\n";
  start();
  EXPECT_EQ(oncall().posts.size(), 1u);
  const std::string id = commit("kill");
  EXPECT_EQ(oncall().ids().back(), id);
}

TEST_F(DispatchTest, AFileThatCannotBeWrittenIsNoReasonToStop) {
  std::filesystem::create_directory(file);  // nothing can take its place
  start();
  commit("kill");
  pass(seconds(2));
  EXPECT_EQ(oncall().posts.size(), 1u);
  std::filesystem::remove(file);
  pass(seconds(40));
  EXPECT_EQ(kept()["hooks"]["oncall"]["after"].asInt(), 1) << "it is tried again";
}

TEST_F(DispatchTest, ItsPlaceInALogThatConcernsNobodyIsKeptNowAndThen) {
  start();
  for (int i = 0; i < 5; ++i) commit("flag.set");
  pass(seconds(5));
  EXPECT_EQ(kept()["hooks"]["oncall"]["after"].asInt(), 0) << "a busy log is not worth a write each second";
  pass(seconds(60));
  EXPECT_EQ(kept()["hooks"]["oncall"]["after"].asInt(), 5);
}

TEST_F(DispatchTest, ATestNamesWhatCameBack) {
  start();
  Attempt attempt;
  const auto testInto = [](Dispatch& of, std::string name, Attempt& into) -> io::Task<void> {
    Attempt tried = co_await of.test(std::move(name));
    into = tried;
  };
  io::TaskScope scope;
  scope.spawn(testInto(*dispatch, "oncall", attempt));
  turn();
  EXPECT_TRUE(attempt.taken);
  ASSERT_EQ(oncall().posts.size(), 1u);
  EXPECT_EQ(oncall().posts[0].event, "test");
  EXPECT_EQ(oncall().posts[0].id, attempt.id);
  EXPECT_EQ((*parseJson(oncall().posts[0].body))["subject"], "oncall");
  scope.spawn(testInto(*dispatch, "nobody", attempt));
  turn();
  EXPECT_FALSE(attempt.taken);
  EXPECT_EQ(attempt.error, "there is no webhook nobody");
}

TEST_F(DispatchTest, NoSecretIsKept) {
  oncall().usual = nobody();
  start();
  see("web-1", true);
  pass(seconds(2));
  EXPECT_EQ(kept()["hooks"]["oncall"].getMemberNames(), (Ids{"after", "waiting"}));
  EXPECT_EQ(kept()["hooks"]["oncall"]["waiting"][0].getMemberNames(), (Ids{"body", "born", "event", "id"}));
}

}  // namespace
}  // namespace loam::notify
