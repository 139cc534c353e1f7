#include "rollout/controller/lookout.h"

#include <gtest/gtest.h>

#include <atomic>

#include "proxy/base/json.h"
#include "proxy/io/task_scope.h"
#include "tests/support/memory_ledger.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/webhook_receiver.h"

namespace loam::controller {
namespace {

/// A clock that stands still until it is moved, for several threads.
class SharedClock final : public Clock {
 public:
  Monotonic now() const override { return Monotonic{std::chrono::hours(1)} + milliseconds(passed_); }
  Wall wall() const override { return Wall{seconds(1'764'201'600)} + milliseconds(passed_); }
  void advance(milliseconds by) { passed_ += by.count(); }

 private:
  std::atomic<std::int64_t> passed_ = 0;
};

/// What is looked at without a controller around it, so that ninety seconds are none.
class LookoutTest : public testing::Test {
 protected:
  LookoutTest() {
    EXPECT_TRUE(flags.load());
    auto made = notify::Webhooks::make(
        {receiver.hook("oncall")}, {"ctl-1", directory / "kept"}, ledger, [this] { return ++drawn; }, clock, log);
    EXPECT_TRUE(made) << made.error().describe();
    webhooks = *std::move(made);
    webhooks->start();
    lookout = std::make_unique<Lookout>(
        *loop, control, ledger, [this] { return wrongTokens; }, *webhooks);
    scope.spawn(lookout->watchLoop());
    scope.spawn(lookout->watchControl());
  }
  /// So much time passes, and everybody looks. What is told near its end has ten seconds of it to be heard.
  void pass(seconds time) {
    for (seconds passed{0}; passed < time; ++passed) {
      clock.advance(seconds(1));
      for (int i = 0; i < 3; ++i) loop->turn(milliseconds(0));
    }
  }
  /// What was told in all, once it is so many; looks go on meanwhile.
  std::vector<std::string> told(std::size_t count) {
    const SystemClock real;
    for (const Monotonic end = real.now() + seconds(10); receiver.heard().size() < count && real.now() < end;) {
      loop->turn(milliseconds(5));
    }
    std::vector<std::string> events;
    for (const http::Request& request : receiver.heard()) {
      const Json::Value body = parseJson(request.body).value_or(Json::Value());
      events.push_back(body["event"].asString() + " " + body["subject"].asString());
    }
    return events;
  }
  void ask(const std::string& proxy) {
    wire::Watch watch;
    watch.proxy = proxy;
    io::TaskScope asking;
    asking.spawn(drop(fleet.watch(std::move(watch))));
  }
  static io::Task<void> drop(io::Task<Result<std::optional<std::string>>> asked) {
    const auto answer = co_await asked;
    (void)answer;
  }

  using Told = std::vector<std::string>;
  SharedClock clock;
  Log log{LogLevel::Error, -1};
  test::WebhookReceiver receiver;
  const test::TemporaryDirectory directory;
  std::atomic<std::uint64_t> drawn = 0;
  std::uint64_t wrongTokens = 0;
  test::MemoryLedger memory{clock};
  audit::WatchedLedger ledger{memory};
  std::unique_ptr<audit::Journal> journal = *audit::Journal::open(directory / "journal");
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  flags::FlagStore flags{ledger, *journal, clock, log};
  changes::Changes changes{flags, clock, [this] { return ++drawn; }};
  api::Answers answers{flags, clock};
  fleet::Fleet fleet{*loop, 7, clock, log};
  std::unique_ptr<notify::Webhooks> webhooks;
  std::unique_ptr<Lookout> lookout;
  api::Background writer{*loop};
  api::Background reader{*loop};
  const api::Control control{flags, changes, answers, ledger, fleet, writer, reader, clock};
  io::TaskScope scope;
};

TEST_F(LookoutTest, AProxyThatFallsSilentIsToldAndThatItIsBack) {
  ask("web-1");
  ask("web-2");
  pass(seconds(80));
  ask("web-2");
  pass(seconds(18));
  EXPECT_EQ(told(1), Told{"proxy.silent web-1"});
  pass(seconds(60));
  EXPECT_EQ(told(1), Told{"proxy.silent web-1"}) << "once, and web-2 has its own ninety seconds";
  ask("web-1");
  ask("web-2");
  pass(seconds(7));
  EXPECT_EQ(told(2), (Told{"proxy.silent web-1", "proxy.back web-1"}));
}

TEST_F(LookoutTest, AProxyThatNeverCameBackIsTold) {
  fleet::Topology known;
  known.carried["web-1"] = {"cart"};
  fleet.setTopology(std::make_shared<const fleet::Topology>(known));
  pass(seconds(85));
  EXPECT_TRUE(receiver.heard().empty());
  pass(seconds(13));
  EXPECT_EQ(told(1), Told{"proxy.silent web-1"});
  ask("web-1");
  pass(seconds(7));
  EXPECT_EQ(told(2), (Told{"proxy.silent web-1", "proxy.back web-1"}));
}

TEST_F(LookoutTest, WrongTokensInManyAreTold) {
  pass(seconds(7));
  wrongTokens = 40;
  pass(seconds(7));
  EXPECT_EQ(told(1), Told{"access.wrong_tokens tokens"});
  pass(seconds(59));
  EXPECT_EQ(told(2), (Told{"access.wrong_tokens tokens", "access.wrong_tokens_over tokens"}));
}

}  // namespace
}  // namespace loam::controller
