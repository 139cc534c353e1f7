#include <gtest/gtest.h>

#include <fstream>

#include "proxy/server/snapshot_source.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_controller.h"

namespace loam::server {
namespace {

using test::TestAuthority;
using test::TlsController;

/// A proxy's control side against a controller that speaks mutual TLS: join, watch, trust.
class AgentTest : public testing::Test {
 protected:
  ~AgentTest() override { source.reset(); }

  void start() {
    std::ofstream(directory / "token") << "loam-join-good";
    JoinTerms terms{controller.target(), controller.authority().id(), "controller", "node-a"};
    enroller =
        std::make_unique<Enroller>(std::move(terms), directory / "token", IdentityFile(directory.path()), clock, log);
    enroller->load();
    SnapshotSource::Workers workers;
    workers.install = [](std::shared_ptr<const ServiceTable>, const std::function<void()>& done) { done(); };
    workers.oldConnections = [](std::uint64_t) { return std::uint64_t{0}; };
    workers.takeMissed = [] { return std::vector<SocketAddress>(); };
    workers.drained = [] { return std::optional<wire::Drained>(); };
    const std::string file = directory / "snapshot";
    source = std::make_unique<SnapshotSource>("node-a", controller.target(), enroller.get(), file,
                                              *io::EventLoop::make(clock), log, std::move(workers));
    source->start(SnapshotFile(file).load());
  }
  wire::Snapshot snapshot(std::uint64_t generation, std::optional<wire::Trust> trust = {}) const {
    wire::Snapshot made;
    made.epoch = 1;
    made.generation = generation;
    made.proxy = "node-a";
    made.trust = std::move(trust);
    return made;
  }
  template <class Condition>
  bool eventually(Condition holds) {
    for (const auto end = clock.now() + seconds(20); !holds();) {
      if (clock.now() > end) return false;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
  }

  SystemClock clock;
  Log log{LogLevel::Error, -1};
  test::TemporaryDirectory directory;
  TlsController controller;
  std::unique_ptr<Enroller> enroller;
  std::unique_ptr<SnapshotSource> source;
};

TEST_F(AgentTest, JoinsThenWatchesOverOneConnection) {
  controller.say(snapshot(4, controller.trust()));
  start();
  ASSERT_TRUE(eventually([&] { return controller.heard().watches.size() >= 10; }));
  const auto heard = controller.heard();
  EXPECT_EQ(heard.watches.front().trust, 1u);
  EXPECT_EQ(heard.watches.back().inEffect, 4u);
  EXPECT_EQ(heard.connections, 2u) << "one to join, one to watch";
}

TEST_F(AgentTest, D6_ANewRootGoesThroughWithoutARefusedQuestion) {
  start();
  ASSERT_TRUE(eventually([&] { return !controller.heard().watches.empty(); }));
  const TestAuthority next;
  controller.rotate(next, 2);
  controller.say(snapshot(4, controller.trust()));
  ASSERT_TRUE(eventually([&] { return controller.heard().watches.back().trust == 2; }));
  const auto heard = controller.heard();
  EXPECT_EQ(heard.renewals.size(), 1u);
  EXPECT_NE(heard.serials.front(), heard.serials.back()) << "the watch goes on under the new leaf";
  EXPECT_EQ(enroller->state().failures, 0u);
  EXPECT_TRUE(source->state().reached);
}

TEST_F(AgentTest, ASnapshotWhoseRootsCannotBeReadIsRefused) {
  start();
  wire::Trust broken = controller.trust();
  broken.roots = {"no root"};
  controller.say(snapshot(4, broken));
  ASSERT_TRUE(eventually([&] { return source->state().refused == 1; }));
  EXPECT_EQ(enroller->identity().get()->trust.step, 1u);
}

TEST_F(AgentTest, G3_ThatNobodyGivesItAnIdentityDoesNotKeepItFromItsSnapshot) {
  ASSERT_TRUE(SnapshotFile(directory / "snapshot").store(wire::encode(snapshot(4))));
  controller.refuse("/v1/join", 403);
  start();
  ASSERT_TRUE(eventually([&] { return enroller->state().failures == 1; }));
  EXPECT_EQ(source->state().inEffect, 4u);
  EXPECT_FALSE(source->state().reached);
}

}  // namespace
}  // namespace loam::server
