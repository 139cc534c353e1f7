#include "proxy/server/kill_switch.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/temporary_directory.h"

namespace loam::server {
namespace {

class KillSwitchTest : public testing::Test {
 protected:
  /// What it told, when so many things were told.
  std::vector<bool> told(std::size_t count) {
    std::unique_lock lock(mutex);
    wake.wait_for(lock, seconds(10), [&] { return all.size() >= count; });
    return all;
  }
  void watch(KillSwitch& kill) {
    kill.start([this](bool killed) {
      const std::lock_guard lock(mutex);
      all.push_back(killed);
      wake.notify_all();
    });
  }

  SystemClock clock;
  Log log{LogLevel::Error, -1};
  test::TemporaryDirectory directory;
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<bool> all;
};

TEST_F(KillSwitchTest, NoticesTheFileWithinASecondAndItsEndToo) {
  KillSwitch kill(directory.path(), log);
  EXPECT_FALSE(kill.isKilled());
  watch(kill);
  const Monotonic before = clock.now();
  ASSERT_TRUE(writeKill(directory.path(), {"root", 7, "slow"}));
  EXPECT_EQ(told(1), std::vector<bool>{true});
  EXPECT_LT(clock.now() - before, seconds(1));
  EXPECT_TRUE(kill.isKilled());
  EXPECT_EQ(kill.order()->why, "slow");
  ASSERT_TRUE(removeKill(directory.path()));
  EXPECT_EQ(told(2), (std::vector<bool>{true, false}));
  EXPECT_FALSE(kill.order());
}

TEST_F(KillSwitchTest, AStartObeysFromTheFirstConnectionOn) {
  ASSERT_TRUE(writeKill(directory.path(), {"root", 7, "slow"}));
  KillSwitch kill(directory.path(), log);
  EXPECT_TRUE(kill.isKilled());
  Json::Value state;
  describeKill(kill, state);
  EXPECT_TRUE(state["killed"].asBool());
  EXPECT_EQ(state["killed_by"], "root");
}

TEST_F(KillSwitchTest, ADirectoryThatIsNotThereYetKillsNothing) {
  KillSwitch kill(directory / "none", log);
  EXPECT_FALSE(kill.isKilled());
  Json::Value state;
  describeKill(kill, state);
  EXPECT_FALSE(state["killed"].asBool());
}

}  // namespace
}  // namespace loam::server
