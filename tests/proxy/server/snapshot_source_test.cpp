#include "proxy/server/snapshot_source.h"

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "proxy/base/atomic_file.h"
#include "proxy/http/date.h"
#include "proxy/http/http1_server.h"
#include "proxy/server/kill_switch.h"
#include "tests/support/small_disk.h"
#include "tests/support/wrong_clock.h"

namespace loam::server {
namespace {

wire::Snapshot snapshotOf(std::uint64_t epoch, std::uint64_t generation) {
  wire::Snapshot snapshot;
  snapshot.epoch = epoch;
  snapshot.generation = generation;
  snapshot.proxy = "p";
  return snapshot;
}

/// A controller that answers questions from a list, then with nothing new; on a thread of its own.
class FakeController {
 public:
  explicit FakeController(const std::string& path) {
    loop_ = *io::EventLoop::make(clock_);
    server_ = std::make_unique<http::Http1Server>(*loop_, *io::Listener::bindUnix(*loop_, path),
                                                  [this](const http::Request& request) { return answer(request); });
    thread_ = std::thread([this] { loop_->run(); });
  }
  ~FakeController() {
    loop_->stop();
    thread_.join();
    server_.reset();
  }
  void say(std::string body) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(body));
  }
  std::vector<wire::Watch> heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  /// As the real one: says the same again until it is acknowledged or refused, then waits as long as it is asked to.
  void insist(std::uint64_t generation, std::string body, milliseconds patience) {
    const std::lock_guard lock(mutex_);
    insists_ = {generation, std::move(body)};
    patience_ = patience;
  }
  /// What the last question said the time is.
  std::optional<std::int64_t> dated() {
    const std::lock_guard lock(mutex_);
    return dated_;
  }
  std::uint64_t connections() const { return server_->counters().connections; }

 private:
  io::Task<http::Response> answer(const http::Request& request) {
    http::Response response{.status = 204};
    {
      const std::lock_guard lock(mutex_);
      heard_.push_back(*wire::decodeWatch(request.body));
      dated_ = http::parseDate(request.header("date"));
      const wire::Watch& watch = heard_.back();
      if (!answers_.empty()) {
        response = {.body = answers_.front()};
        answers_.pop_front();
      } else if (watch.acknowledged < insists_.first && !watch.refused) {
        response = {.body = insists_.second};
      }
    }
    if (response.status == 204) co_await loop_->sleepFor(patience_);
    co_return response;
  }

  SystemClock clock_;
  std::unique_ptr<io::EventLoop> loop_;
  std::mutex mutex_;
  std::deque<std::string> answers_;
  std::pair<std::uint64_t, std::string> insists_;
  milliseconds patience_{10};
  std::vector<wire::Watch> heard_;
  std::optional<std::int64_t> dated_;
  std::unique_ptr<http::Http1Server> server_;
  std::thread thread_;
};

class SnapshotSourceTest : public testing::Test {
 protected:
  SnapshotSourceTest() {
    char name[] = "/tmp/loam-snapshot-XXXXXX";
    directory = ::mkdtemp(name);
    controller = std::make_unique<FakeController>(directory + "/socket");
  }
  ~SnapshotSourceTest() override {
    source.reset();
    controller.reset();
    std::filesystem::remove_all(directory);
  }
  std::string file() const { return (directoryOfFile.empty() ? directory : directoryOfFile) + "/snapshot"; }
  void start(bool killed = false) {
    SnapshotSource::Workers workers;
    workers.install = [this](std::shared_ptr<const ServiceTable> table, std::function<void()> done) {
      {
        const std::lock_guard lock(mutex);
        installed.push_back(table->generation());
        drains.push_back(table->drained());
      }
      done();
    };
    workers.oldConnections = [](std::uint64_t) { return std::uint64_t{0}; };
    workers.takeMissed = [] { return std::vector<SocketAddress>(); };
    workers.drained = [this] {
      const std::lock_guard lock(mutex);
      return remaining;
    };
    source = std::make_unique<SnapshotSource>("p", http::Target{.socketPath = directory + "/socket"}, nullptr, file(),
                                              *io::EventLoop::make(clock), log, std::move(workers));
    source->start(SnapshotFile(file()).load(), killed);
  }
  template <class Condition>
  bool eventually(Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
  }
  std::vector<std::uint64_t> generations() {
    const std::lock_guard lock(mutex);
    return installed;
  }

  test::WrongClock clock;
  Log log{LogLevel::Error};
  std::string directory;
  std::string directoryOfFile;  // where it is another
  std::unique_ptr<FakeController> controller;
  std::unique_ptr<SnapshotSource> source;
  std::mutex mutex;
  std::vector<std::uint64_t> installed;
  std::vector<bool> drains;  // whether each of them was one
  std::optional<wire::Drained> remaining;
};

TEST_F(SnapshotSourceTest, InstallsKeepsAndAcknowledges) {
  controller->say(wire::encode(snapshotOf(1, 4)));
  start();
  ASSERT_TRUE(eventually([&] { return !controller->heard().empty() && controller->heard().back().inEffect == 4; }));
  const wire::Watch last = controller->heard().back();
  EXPECT_EQ(last.epoch, 1u);
  EXPECT_EQ(last.acknowledged, 4u);
  EXPECT_EQ(last.capabilities, ServiceTable::capabilities());
  EXPECT_FALSE(last.refused);
  EXPECT_EQ((*SnapshotFile(file()).load())->generation, 4u);
  EXPECT_EQ(source->state().inEffect, 4u);
}

TEST_F(SnapshotSourceTest, G3_StartsFromTheDiskWhenNobodyAnswers) {
  ASSERT_TRUE(SnapshotFile(file()).store(wire::encode(snapshotOf(1, 4))));
  controller.reset();
  start();
  ASSERT_TRUE(eventually([&] { return generations() == std::vector<std::uint64_t>{4}; }));
  EXPECT_FALSE(source->state().reached);
}

TEST_F(SnapshotSourceTest, NeverGoesBack) {
  ASSERT_TRUE(SnapshotFile(file()).store(wire::encode(snapshotOf(2, 10))));
  controller->say(wire::encode(snapshotOf(2, 9)));
  controller->say(wire::encode(snapshotOf(1, 99)));
  controller->say(wire::encode(snapshotOf(3, 1)));
  start();
  ASSERT_TRUE(eventually([&] { return source->state().epoch == 3; }));
  EXPECT_EQ(generations(), (std::vector<std::uint64_t>{10, 1}));
  EXPECT_EQ(source->state().refused, 2u);
}

TEST_F(SnapshotSourceTest, G9_RefusesWhatItCannotCarryOutWithTheReason) {
  wire::Snapshot strange = snapshotOf(1, 4);
  wire::FeatureConfig feature;
  feature.feature = "shadow";
  feature.stage = "compare";
  strange.defaults = {feature};
  wire::Snapshot foreign = snapshotOf(1, 5);
  foreign.proxy = "q";
  controller->say(wire::encode(strange));
  controller->say("{\"epoch\":");
  controller->say(wire::encode(foreign));
  start();
  ASSERT_TRUE(eventually([&] { return source->state().refused == 3; }));
  ASSERT_TRUE(eventually([&] {
    const auto last = controller->heard().back().refused;
    return last && last->generation == 5;
  }));
  EXPECT_TRUE(generations().empty());
  EXPECT_EQ((*SnapshotFile(file()).load()), std::nullopt);
  std::string reasons;
  for (const wire::Watch& watch : controller->heard())
    reasons += watch.refused ? watch.refused->reasons.at(0) + "\n" : "";
  EXPECT_NE(reasons.find("shadow.compare"), std::string::npos) << reasons;
  EXPECT_NE(reasons.find("for q"), std::string::npos) << reasons;
}

TEST_F(SnapshotSourceTest, MovesADamagedFileAsideAndAsks) {
  ASSERT_TRUE(SnapshotFile(file()).store(wire::encode(snapshotOf(1, 4))));
  const std::string slot = SnapshotFile(file()).slots()[0];
  std::string text = *readFile(slot, 10'000);
  text[80] ^= 1;
  ASSERT_TRUE(replaceFile(slot, text));
  controller->say(wire::encode(snapshotOf(1, 5)));
  start();
  ASSERT_TRUE(eventually([&] { return source->state().acknowledged == 5; }));
  EXPECT_EQ(generations(), std::vector<std::uint64_t>{5});
  EXPECT_TRUE(std::filesystem::exists(slot + ".damaged"));
}

TEST_F(SnapshotSourceTest, DoesNotRunWhatItCannotKeep) {
  directoryOfFile = directory + "/none";  // nothing can be written there
  controller->say(wire::encode(snapshotOf(1, 4)));
  start();
  ASSERT_TRUE(eventually([&] { return source->state().refused == 1; }));
  EXPECT_TRUE(generations().empty());
}

TEST_F(SnapshotSourceTest, AsksAgainForWhatOnlyTheDiskRefused) {
  directoryOfFile = directory + "/none";
  controller->insist(4, wire::encode(snapshotOf(1, 4)), milliseconds(10));
  start();
  ASSERT_TRUE(eventually([&] { return source->state().refused >= 2; })) << "of the same generation";
  std::filesystem::create_directory(directoryOfFile);
  ASSERT_TRUE(eventually([&] { return source->state().inEffect == 4; }));
  ASSERT_TRUE(eventually([&] { return !controller->heard().back().refused; }));
  EXPECT_EQ(generations(), std::vector<std::uint64_t>{4});
}

TEST_F(SnapshotSourceTest, F3_ASnapshotThatFoundNoRoomIsTakenWhenThereIsSome) {
  test::SmallDisk disk("128k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  directoryOfFile = disk / "";
  disk.fill();
  controller->insist(4, wire::encode(snapshotOf(1, 4)), milliseconds(10));
  start();
  ASSERT_TRUE(eventually([&] { return source->state().refused >= 2; }));
  EXPECT_TRUE(generations().empty()) << "what it cannot keep it does not run";
  disk.relieve();
  ASSERT_TRUE(eventually([&] { return source->state().inEffect == 4; }));
  EXPECT_EQ((*SnapshotFile(file()).load())->generation, 4u);
  source.reset();
}

TEST_F(SnapshotSourceTest, ARefusalForGoodStaysWhatTheControllerHears) {
  wire::Snapshot strange = snapshotOf(1, 4);
  strange.proxy = "q";
  controller->insist(4, wire::encode(strange), milliseconds(10));
  start();
  ASSERT_TRUE(eventually([&] { return controller->heard().size() >= 5; }));
  EXPECT_EQ(source->state().refused, 1u);
}

TEST_F(SnapshotSourceTest, ItsQuestionsGoOverOneConnection) {
  controller->say(wire::encode(snapshotOf(1, 4)));
  start();
  ASSERT_TRUE(eventually([&] { return controller->heard().size() >= 10; }));
  EXPECT_EQ(controller->connections(), 1u);
}

TEST_F(SnapshotSourceTest, AKillTakesEveryFeatureButObserving) {
  wire::Snapshot snapshot = snapshotOf(1, 4);
  wire::FeatureConfig observe;
  observe.feature = "observe";
  observe.stage = "sampled";
  wire::FeatureConfig limit;
  limit.feature = "rate_limit";
  limit.stage = "enforce";
  snapshot.defaults = {observe, limit};
  snapshot.services.push_back({.name = "a", .endpoints = {}, .captured = false, .pin = {}, .features = {limit}});
  const wire::Snapshot left = whatKillLeaves(snapshot);
  EXPECT_EQ(left.defaults, std::vector<wire::FeatureConfig>{observe}) << "it switches nothing on either";
  EXPECT_TRUE(left.services.at(0).features.empty());
  EXPECT_FALSE(left.services.at(0).captured);
  EXPECT_EQ(left.generation, 4u);
}

TEST_F(SnapshotSourceTest, AKillTakesMutualTlsDownAsFarAsCutsNoTraffic) {
  const auto leftOf = [](const std::string& stage) {
    wire::FeatureConfig mtls;
    mtls.feature = "mtls";
    mtls.stage = stage;
    mtls.share = 20'000;
    mtls.salt = "salt";
    mtls.include = {"web"};
    mtls.exclude = {"batch"};
    mtls.settings["fallback"] = "deny";
    mtls.settings["handshake_timeout"] = "2s";
    wire::Snapshot snapshot = snapshotOf(1, 4);
    snapshot.services.push_back({.name = "a", .endpoints = {}, .captured = true, .pin = {}, .features = {mtls}});
    snapshot.services.back().callers = {{"web", {}}};
    return whatKillLeaves(snapshot).services.at(0);
  };
  const wire::ServiceConfig strict = leftOf("strict");
  ASSERT_EQ(strict.features.size(), 1u) << "a strict peer refuses plaintext: callers go on in TLS";
  EXPECT_EQ(strict.features[0].stage, "prefer");
  EXPECT_EQ(strict.features[0].settings["fallback"], "allow");
  EXPECT_EQ(strict.features[0].settings["handshake_timeout"], "2s");
  EXPECT_EQ(strict.features[0].include, std::vector<std::string>{"web"}) << "those for whom it was strict";
  EXPECT_EQ(strict.features[0].share, 20'000);
  EXPECT_EQ(strict.callers.size(), 1u);
  const wire::ServiceConfig prefer = leftOf("prefer");
  ASSERT_EQ(prefer.features.size(), 1u);
  EXPECT_EQ(prefer.features[0].stage, "permissive");
  EXPECT_EQ(prefer.features[0].share, 100'000) << "of instances, which no caller's name means";
  EXPECT_TRUE(prefer.features[0].include.empty());
  EXPECT_TRUE(prefer.features[0].exclude.empty());
  ASSERT_EQ(leftOf("permissive").features.size(), 1u) << "others may still offer TLS";
  EXPECT_EQ(leftOf("permissive").features[0].stage, "permissive");
  EXPECT_EQ(leftOf("permissive").features[0].share, 20'000);
  EXPECT_TRUE(leftOf("observe").features.empty());
}

TEST_F(SnapshotSourceTest, AKillIsInForceAndToldAtOnce) {
  ASSERT_TRUE(SnapshotFile(file()).store(wire::encode(snapshotOf(1, 4))));
  controller->insist(0, "", milliseconds(3'600'000));
  start();
  ASSERT_TRUE(eventually([&] { return controller->heard().size() == 1; }));
  EXPECT_FALSE(controller->heard().back().killed);
  source->setKilled(true);
  ASSERT_TRUE(eventually([&] { return controller->heard().size() == 2; })) << "the question under way would wait";
  EXPECT_TRUE(controller->heard().back().killed);
  EXPECT_EQ(generations(), (std::vector<std::uint64_t>{4, 4})) << "the workers run what it leaves";
  source->setKilled(false);
  ASSERT_TRUE(eventually([&] { return controller->heard().size() == 3; }));
  EXPECT_FALSE(controller->heard().back().killed);
  EXPECT_TRUE(source->state().reached);
}

TEST_F(SnapshotSourceTest, AProxyThatStartsKilledSaysSoAndStillFollowsItsSnapshots) {
  controller->say(wire::encode(snapshotOf(1, 4)));
  start(true);
  ASSERT_TRUE(eventually([&] { return !controller->heard().empty() && controller->heard().back().inEffect == 4; }));
  for (const wire::Watch& watch : controller->heard()) EXPECT_TRUE(watch.killed);
}

TEST_F(SnapshotSourceTest, AKilledProxyStaysDrainedAndADrainedOneFollowsItsSnapshots) {
  wire::Snapshot drained = snapshotOf(1, 4);
  drained.drained = true;
  EXPECT_TRUE(whatKillLeaves(drained).drained);
  ASSERT_TRUE(SnapshotFile(file()).store(wire::encode(drained)));
  start(true);
  ASSERT_TRUE(eventually([&] { return !generations().empty(); })) << "from the disk";
  source->setKilled(false);
  ASSERT_TRUE(eventually([&] { return generations().size() == 2; }));
  EXPECT_EQ(drains, (std::vector<bool>{true, true}));
  controller->say(wire::encode(snapshotOf(1, 5)));
  ASSERT_TRUE(eventually([&] { return generations().size() == 3; }));
  EXPECT_EQ(drains, (std::vector<bool>{true, true, false})) << "resumed";
}

TEST_F(SnapshotSourceTest, ADrainedProxyTellsWhatIsLeftAndAsksSoonerUntilNothingIs) {
  ASSERT_TRUE(SnapshotFile(file()).store(wire::encode(snapshotOf(1, 4))));
  remaining = wire::Drained{false, 3, {*SocketAddress::parse("127.0.0.1:8000")}, 1};
  start();
  const auto last = [&] { return controller->heard().empty() ? wire::Watch() : controller->heard().back(); };
  ASSERT_TRUE(eventually([&] { return last().drained == remaining; }));
  EXPECT_EQ(last().waitMs, 1000u);
  {
    const std::lock_guard lock(mutex);
    remaining->connections = 0;
  }
  ASSERT_TRUE(eventually([&] { return last().drained && last().drained->isOver(); }));
  EXPECT_EQ(last().waitMs, 30'000u) << "explicit ports stay open, nobody waits for those";
  {
    const std::lock_guard lock(mutex);
    remaining.reset();
  }
  EXPECT_TRUE(eventually([&] { return !last().drained; }));
}

TEST_F(SnapshotSourceTest, D8_MeasuresAtEachQuestionHowFarItsClockIsOff) {
  start();
  const SystemClock right;
  for (const std::int64_t ahead : {0, 86'400, -86'400, 40}) {
    clock.ahead = seconds(ahead);
    EXPECT_TRUE(eventually([&] {
      const auto measured = source->skew().ahead();
      const auto said = controller->dated();
      return measured && said && std::abs(*measured - ahead) <= 1 &&
             std::abs(*said - unixSeconds(right.wall()) - ahead) <= 1;
    })) << ahead;
  }
}

}  // namespace
}  // namespace loam::server
