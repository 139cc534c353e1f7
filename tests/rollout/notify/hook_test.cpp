#include "rollout/notify/hook.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "rollout/notify/retry.h"
#include "tests/rollout/notify/fake_transport.h"
#include "tests/support/fake_clock.h"

namespace loam::notify {
namespace {

/// One webhook on a clock that stands still, with a receiver that answers as it is told.
class HookTest : public testing::Test {
 protected:
  HookTest() {
    settings.name = "oncall";
    settings.url = *HookUrl::parse("http://10.0.0.5/x");
    make();
  }
  void make() {
    hook = std::make_unique<Hook>(
        *loop, settings, std::make_unique<test::FakeTransport>(receiver), [this] { return random; },
        [this] { ++changes; }, clock, log);
    hook->begin();
  }
  std::int64_t nowMs() const { return unixSeconds(clock.wall()) * 1000; }
  void tell(const std::string& id) {
    Letter letter;
    letter.id = id;
    letter.event = "proxy.silent";
    letter.body = "{" + id + "}";
    letter.born = nowMs();
    hook->tell(std::move(letter));
    turn();
  }
  void turn() {
    for (int i = 0; i < 4; ++i) loop->turn(milliseconds(0));
  }
  /// So much time passes, a little at a time.
  void pass(nanoseconds time, nanoseconds step = milliseconds(100)) {
    for (nanoseconds passed{0}; passed < time; passed += step) {
      clock.advance(std::min(step, time - passed));
      turn();
    }
  }
  /// How long it takes until the next try.
  nanoseconds passUntilSent() {
    const std::size_t before = sent();
    nanoseconds passed{0};
    for (; sent() == before && passed < std::chrono::hours(1); passed += milliseconds(50)) pass(milliseconds(50));
    return passed;
  }
  std::size_t sent() const { return receiver.posts.size(); }
  HookStanding standing() const { return hook->standing(); }
  static Result<Answer> nobody() { return fail(ErrorCode::Refused, "10.0.0.5: connecting: Connection refused"); }
  Attempt sendTest() {
    Attempt attempt;
    io::TaskScope scope;
    scope.spawn(testInto(attempt));
    turn();
    return attempt;
  }
  io::Task<void> testInto(Attempt& into) {
    Post post{"t", "test", "{}"};
    Attempt attempt = co_await hook->tryOnce(std::move(post));
    into = attempt;
  }

  loam::test::FakeClock clock;
  Log log{LogLevel::Error, -1};
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  std::uint64_t random = 999;  // the longest waits
  int changes = 0;
  HookSettings settings;
  test::FakeReceiver receiver;
  std::unique_ptr<Hook> hook;
};

TEST_F(HookTest, WhatIsTakenIsSentOnce) {
  tell("a");
  tell("b");
  EXPECT_EQ(receiver.ids(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(receiver.posts[0].body, "{a}");
  EXPECT_EQ(receiver.posts[0].event, "proxy.silent");
  pass(std::chrono::hours(1), seconds(60));
  EXPECT_EQ(sent(), 2u);
  EXPECT_EQ(standing().delivered, 2u);
  EXPECT_EQ(standing().waiting, 0u);
  EXPECT_EQ(standing().lastSuccess, nowMs() / 1000 - 3600);
}

TEST_F(HookTest, WhoIsAwayIsTriedAgainLaterEachTime) {
  receiver.usual = nobody();
  tell("a");
  EXPECT_EQ(sent(), 1u);
  for (const int wait : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}) {
    const nanoseconds passed = passUntilSent();
    EXPECT_GE(passed, seconds(wait));
    EXPECT_LE(passed, seconds(wait) + milliseconds(100));
  }
  EXPECT_EQ(standing().waiting, 1u);
  EXPECT_EQ(standing().failed, sent());
  EXPECT_EQ(standing().lastError, "10.0.0.5: connecting: Connection refused");
  receiver.usual = Answer{.status = 204};
  pass(seconds(301), seconds(1));
  EXPECT_EQ(standing().delivered, 1u);
  EXPECT_EQ(standing().waiting, 0u);
  for (const Post& post : receiver.posts) EXPECT_EQ(post.id, "a") << "the same at each try";
}

TEST_F(HookTest, TheWaitsAreUneven) {
  random = 0;
  receiver.usual = nobody();
  tell("a");
  pass(milliseconds(600));
  EXPECT_EQ(sent(), 2u) << "half a second";
}

TEST_F(HookTest, WhileNobodyIsThereOneIsTriedAndTheOthersWait) {
  receiver.usual = nobody();
  for (const char* id : {"a", "b", "c"}) tell(id);
  pass(seconds(3));
  for (const Post& post : receiver.posts) EXPECT_EQ(post.id, "a");
  receiver.posts.clear();
  receiver.usual = Answer{.status = 200};
  pass(seconds(10));
  EXPECT_EQ(receiver.ids(), (std::vector<std::string>{"a", "b", "c"})) << "in order";
}

TEST_F(HookTest, OneThatFailsAloneHoldsUpNoOther) {
  receiver.answers = {Answer{.status = 500}};
  tell("a");
  tell("b");
  tell("c");
  EXPECT_EQ(receiver.ids(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(standing().waiting, 1u);
  pass(seconds(2));
  EXPECT_EQ(receiver.ids().back(), "a");
  EXPECT_EQ(standing().delivered, 3u);
}

TEST_F(HookTest, WhatIsRefusedIsGivenUpAtOnce) {
  receiver.answers = {Answer{.status = 401, .says = "bad signature"}};
  tell("a");
  tell("b");
  pass(std::chrono::hours(1), seconds(60));
  EXPECT_EQ(receiver.ids(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(standing().refused, 1u);
  EXPECT_EQ(standing().delivered, 1u);
  EXPECT_EQ(standing().lastError, "401 Unauthorized: bad signature");
}

TEST_F(HookTest, C7_ARedirectIsAFailureThatSaysSo) {
  receiver.answers = {Answer{.status = 302}};
  tell("a");
  EXPECT_EQ(standing().lastError, "302 Found: a redirect, which is never followed");
  EXPECT_EQ(standing().waiting, 1u) << "it may be mended";
  pass(seconds(2));
  EXPECT_EQ(standing().delivered, 1u);
}

TEST_F(HookTest, AReceiverMaySayWhenToComeBack) {
  receiver.answers = {Answer{.status = 503, .retryAfter = "30"}};
  tell("a");
  tell("b");
  pass(seconds(29));
  EXPECT_EQ(sent(), 1u) << "nothing goes there meanwhile";
  pass(seconds(2));
  EXPECT_EQ(sent(), 3u);
}

TEST_F(HookTest, AfterADayItIsGivenUp) {
  receiver.usual = nobody();
  tell("a");
  pass(std::chrono::hours(23) + std::chrono::minutes(50), seconds(30));
  EXPECT_EQ(standing().waiting, 1u);
  EXPECT_EQ(standing().expired, 0u);
  pass(std::chrono::minutes(10), seconds(30));
  EXPECT_EQ(standing().waiting, 0u);
  EXPECT_EQ(standing().expired, 1u);
  const std::size_t before = sent();
  pass(std::chrono::hours(1), seconds(60));
  EXPECT_EQ(sent(), before);
}

TEST_F(HookTest, WhatIsOlderIsTriedOnceAllTheSame) {
  Letter old;
  old.id = "old";
  old.born = nowMs() - std::chrono::milliseconds(std::chrono::hours(48)).count();
  hook->tell(old);
  turn();
  EXPECT_EQ(standing().delivered, 1u);
  receiver.usual = nobody();
  old.id = "older";
  hook->tell(old);
  turn();
  EXPECT_EQ(standing().expired, 1u);
  EXPECT_EQ(sent(), 2u);
}

TEST_F(HookTest, OfTooManyTheOldestIsDroppedAndCounted) {
  receiver.usual = nobody();
  for (std::size_t i = 0; i < Outbox::kMost + 10; ++i) tell(std::to_string(i));
  EXPECT_EQ(standing().waiting, Outbox::kMost);
  EXPECT_EQ(standing().dropped, 10u);
  receiver.posts.clear();
  receiver.usual = Answer{.status = 200};
  pass(seconds(310), seconds(1));
  EXPECT_EQ(sent(), Outbox::kMost);
  EXPECT_EQ(receiver.ids().front(), "10");
  EXPECT_EQ(receiver.ids().back(), std::to_string(Outbox::kMost + 9));
}

TEST_F(HookTest, WhatIsOnItsWayIsNotTheOneToGo) {
  receiver.usual = Answer{.status = 500};
  receiver.atEach = [this] {
    if (sent() != 1) return;
    for (std::size_t i = 0; i < Outbox::kMost; ++i) {
      Letter letter;
      letter.id = std::to_string(i);
      letter.born = nowMs();
      hook->tell(std::move(letter));
    }
  };
  tell("first");
  EXPECT_EQ(standing().dropped, 1u);
  receiver.atEach = nullptr;
  receiver.posts.clear();
  pass(seconds(2));
  const auto ids = receiver.ids();
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "first"), 1);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "0"), 0);
}

TEST_F(HookTest, ATestGoesPastAllThatWaitsAndSaysWhatCameBack) {
  receiver.usual = nobody();
  tell("a");
  const Attempt unheard = sendTest();
  EXPECT_FALSE(unheard.taken);
  EXPECT_EQ(unheard.status, 0);
  EXPECT_EQ(unheard.error, "10.0.0.5: connecting: Connection refused");
  receiver.usual = Answer{.status = 404};
  EXPECT_EQ(sendTest().error, "404 Not Found");
  receiver.usual = Answer{.status = 200};
  const Attempt taken = sendTest();
  EXPECT_TRUE(taken.taken);
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(taken.id, "t");
  turn();
  EXPECT_EQ(standing().delivered, 0u) << "no test is counted, and what waits has its own time";
  pass(seconds(2));
  EXPECT_EQ(standing().delivered, 1u);
}

TEST_F(HookTest, ItSaysWhenThereIsSomethingWorthKeeping) {
  tell("a");
  const int before = changes;
  EXPECT_GE(before, 2) << "told, and delivered";
  pass(std::chrono::hours(1), seconds(60));
  EXPECT_EQ(changes, before);
}

TEST_F(HookTest, ItGoesOnWithWhatWasKept) {
  Outbox kept;
  Letter letter;
  letter.id = "kept";
  letter.born = nowMs();
  kept.add(std::move(letter));
  hook = std::make_unique<Hook>(
      *loop, settings, std::make_unique<test::FakeTransport>(receiver), [this] { return random; }, [] {}, clock, log);
  hook->take(std::move(kept));
  EXPECT_EQ(standing().waiting, 1u);
  hook->begin();
  turn();
  EXPECT_EQ(receiver.ids(), std::vector<std::string>{"kept"});
}

TEST_F(HookTest, ItsStandingNamesAllThatItIsToldOf) {
  EXPECT_EQ(standing().events, eventNames());
  EXPECT_EQ(standing().url, "http://10.0.0.5/...");
  settings.events = {Event::ProxySilent};
  make();
  EXPECT_EQ(standing().events, std::vector<std::string>{"proxy.silent"});
}

}  // namespace
}  // namespace loam::notify
