#include <future>

#include "proxy/wire/watch.h"
#include "tests/rollout/cli/cli_fixture.h"

namespace loam::cli {
namespace {

/// `loam proxy drain` and `resume` against a controller whose proxy the test plays.
class DrainTest : public CliFixture {
 protected:
  static wire::Watch question() {
    wire::Watch watch;
    watch.proxy = "web-1";
    watch.version = "0.1.0";
    watch.capabilities = {std::string(wire::kDrainCapability), "observe.on", "observe.sampled"};
    return watch;
  }
  /// The proxy takes what it is to run, and says that it runs it with so many captured connections left.
  void take(std::uint64_t connections, bool accepting = false) const {
    const auto snapshot = wire::decodeSnapshot(get("/v1/fleet/web-1/snapshot").body);
    ASSERT_TRUE(snapshot);
    wire::Watch watch = question();
    watch.epoch = snapshot->epoch;
    watch.acknowledged = watch.inEffect = snapshot->generation;
    if (snapshot->drained) {
      watch.drained = wire::Drained{accepting, connections, {*SocketAddress::parse("127.0.0.1:8000")}, 2};
    }
    EXPECT_EQ(post("/v1/watch", wire::encode(watch)).status, 204);
  }
  Ran drain(std::vector<std::string> more = {}) const { return verb("drain", std::move(more)); }
  Ran resume(std::vector<std::string> more = {}) const { return verb("resume", std::move(more)); }
  Ran verb(const std::string& name, std::vector<std::string> more) const {
    std::vector<std::string> words = {"proxy", name, "web-1", "--reason", "CHG-1"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  std::string who() const { return json("/v1/whoami")["who"].asString(); }
  /// Until the controller shows this state.
  bool becomes(const std::string& state) const {
    for (int i = 0; i < 1000; ++i) {
      if (json("/v1/fleet/web-1")["drain"]["state"] == state) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }
};

TEST_F(DrainTest, WaitsUntilNoConnectionIsLeftAndSaysHowFarItIs) {
  post("/v1/watch", wire::encode(question()));
  auto waiting = std::async(std::launch::async, [&] { return drain({"--wait"}); });
  ASSERT_TRUE(becomes("asked"));
  take(3);
  ASSERT_TRUE(becomes("draining"));
  EXPECT_EQ(waiting.wait_for(milliseconds(1500)), std::future_status::timeout);
  EXPECT_NE(run({"proxy", "list"}).out.find("draining, 3 open"), std::string::npos) << run({"proxy", "list"}).out;
  const Ran described = run({"proxy", "describe", "web-1"});
  EXPECT_NE(described.out.find("  drain          draining, 3 open; by " + who() + " at "), std::string::npos)
      << described.out;
  EXPECT_NE(described.out.find(": CHG-1\n"), std::string::npos) << described.out;
  EXPECT_NE(described.out.find("127.0.0.1:8000 stays open, with 2 connections\n"), std::string::npos) << described.out;
  take(0);
  const Ran done = waiting.get();
  EXPECT_EQ(done.status, kOk) << done.err;
  EXPECT_EQ(done.out, "") << "talk is no data";
  EXPECT_NE(done.err.find("3 connections left at web-1\n"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("no captured connection is left at web-1\n"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("127.0.0.1:8000 stays open"), std::string::npos) << done.err;
  EXPECT_NE(run({"proxy", "list"}).out.find("drained"), std::string::npos);

  auto resuming = std::async(std::launch::async, [&] { return resume({"--wait"}); });
  ASSERT_TRUE(becomes("resuming"));
  take(0);
  const Ran back = resuming.get();
  EXPECT_EQ(back.status, kOk) << back.err;
  EXPECT_NE(back.err.find("takes new connections again"), std::string::npos) << back.err;
  EXPECT_EQ(run({"proxy", "list"}).out.find("drain"), std::string::npos);
}

TEST_F(DrainTest, ATimeoutEndsWithSixAndWhatIsLeft) {
  post("/v1/watch", wire::encode(question()));
  const Ran asked = drain({"--wait", "--timeout", "0"});
  EXPECT_EQ(asked.status, kTimeout);
  EXPECT_NE(asked.err.find("not yet: waiting for web-1 to stop capturing"), std::string::npos) << asked.err;
  take(1);
  const Ran one = drain({"--wait", "--timeout", "0"});
  EXPECT_EQ(one.status, kTimeout);
  EXPECT_NE(one.err.find("already, by " + who() + " since "), std::string::npos) << one.err;
  EXPECT_NE(one.err.find("not yet: 1 connection left at web-1"), std::string::npos) << one.err;
  take(0, true);
  EXPECT_EQ(drain({"--wait", "--timeout", "0"}).status, kTimeout) << "somebody may be on the way";
}

TEST_F(DrainTest, WithoutWaitingItSaysWhatWillBeAndHowToTakeItBack) {
  post("/v1/watch", wire::encode(question()));
  const Ran drained = drain({"-o", "json", "--ticket", "T7"});
  EXPECT_EQ(drained.status, kOk) << drained.err;
  const auto answer = parseJson(drained.out);
  ASSERT_TRUE(answer) << drained.out;
  EXPECT_EQ((*answer)["proxy"], "web-1");
  EXPECT_EQ((*answer)["drain"]["state"], "asked");
  EXPECT_EQ(resume({"-o", "name"}).out, "web-1\n");
  const Ran again = drain();
  EXPECT_NE(again.err.find("explicit ports (`listen:`)"), std::string::npos) << again.err;
  EXPECT_NE(again.err.find("loam proxy resume web-1"), std::string::npos) << again.err;
}

TEST_F(DrainTest, WhatCannotBeEndsWithItsOwnStatus) {
  EXPECT_EQ(drain().status, kNotFound) << "never heard of";
  EXPECT_EQ(run({"proxy", "drain", "web-1"}).status, kUsage) << "no reason";
  wire::Watch old = question();
  old.capabilities = {"observe.on", "observe.sampled"};
  post("/v1/watch", wire::encode(old));
  const Ran refused = drain({"--wait"});
  EXPECT_EQ(refused.status, kConflict);
  EXPECT_NE(refused.err.find("too old"), std::string::npos) << refused.err;
  post("/v1/watch", wire::encode(question()));
  ASSERT_EQ(drain().status, kOk);
  post("/v1/watch", wire::encode(old));
  const Ran downgraded = drain({"--wait"});
  EXPECT_EQ(downgraded.status, kNotReady);
  EXPECT_NE(downgraded.err.find("goes on capturing"), std::string::npos) << downgraded.err;
  EXPECT_NE(run({"proxy", "list"}).out.find("too old to drain"), std::string::npos);
}

TEST_F(DrainTest, ADrainThatIsTakenBackMeanwhileIsAConflict) {
  post("/v1/watch", wire::encode(question()));
  auto waiting = std::async(std::launch::async, [&] { return drain({"--wait"}); });
  ASSERT_TRUE(becomes("asked"));
  EXPECT_EQ(resume().status, kOk);
  EXPECT_EQ(waiting.get().status, kConflict);
}

TEST_F(DrainTest, AfterARestartOfTheControllerItIsShownBeforeTheProxyAsks) {
  post("/v1/watch", wire::encode(question()));
  ASSERT_EQ(drain().status, kOk);
  stop();
  start();
  EXPECT_NE(run({"proxy", "list"}).out.find("never asked, to be drained"), std::string::npos)
      << run({"proxy", "list"}).out;
  const Ran described = run({"proxy", "describe", "web-1"});
  EXPECT_EQ(described.out.rfind("web-1  never asked, to be drained\n", 0), 0u) << described.out;
  const Ran resumed = resume({"--wait"});
  EXPECT_EQ(resumed.status, kOk) << resumed.err;
  EXPECT_NE(resumed.err.find("goes on as it was"), std::string::npos) << resumed.err;
}

TEST_F(DrainTest, CompletionKnowsTheProxies) {
  post("/v1/watch", wire::encode(question()));
  EXPECT_EQ(run({"__complete", "--", "proxy", "drain", "we"}).out, "web-1\n");
  EXPECT_EQ(run({"__complete", "--", "proxy", "re"}).out, "restore\nresume\n");
}

}  // namespace
}  // namespace loam::cli
