#include "rollout/identity/live_agents.h"

#include "rollout/identity/join_limit.h"
#include "tests/rollout/identity/identities_fixture.h"

namespace loam::identity {
namespace {

using test::address;
using test::by;

class LiveAgentsTest : public test::IdentitiesFixture {
 protected:
  LiveAgentsTest() { open(); }
  std::vector<std::string> names(const std::vector<Heard>& heard, std::int64_t since) {
    std::vector<std::string> out;
    for (const Acknowledgement& agent :
         liveAgents(identities->records(), "loam", heard, since, unixSeconds(clock.wall()))) {
      out.push_back(agent.agent + ":" + std::to_string(agent.step));
    }
    return out;
  }
  std::int64_t now() const { return unixSeconds(clock.wall()); }
  using Names = std::vector<std::string>;
};

TEST_F(LiveAgentsTest, WhoJustGotACertificateIsWaitedFor) {
  ASSERT_TRUE(join("node-a", mint()));
  EXPECT_EQ(names({}, now() - 1000), Names{"node-a:0"});
  EXPECT_EQ(names({{"node-a", 3, true}}, now() - 1000), Names{"node-a:3"});
  clock.advance(seconds(91));
  EXPECT_EQ(names({}, now() - 1000), Names{}) << "it never asked: away";
}

TEST_F(LiveAgentsTest, AControllerThatJustBeganWaitsForAllWhoMayAsk) {
  ASSERT_TRUE(join("node-a", mint()));
  ASSERT_TRUE(join("node-b", mint("node-b")));
  clock.advance(seconds(1000));
  EXPECT_EQ(names({{"node-b", 2, true}}, now() - 10), (Names{"node-a:0", "node-b:2"}));
  EXPECT_EQ(names({{"node-b", 2, true}}, now() - 91), Names{"node-b:2"});
}

TEST_F(LiveAgentsTest, WhoIsSilentOrDeniedIsNobodysToWaitFor) {
  ASSERT_TRUE(join("node-a", mint()));
  ASSERT_TRUE(join("node-b", mint("node-b")));
  ASSERT_TRUE(identities->deny(Denial::Of::Name, "node-b", by("ada")));
  EXPECT_EQ(names({{"node-a", 1, false}, {"node-b", 1, true}}, now()), Names{});
}

TEST(JoinLimitTest, CountsAnIPv6NetworkAsOne) {
  JoinLimit limit;
  const Monotonic start{std::chrono::hours(1)};
  for (int i = 0; i < 5; ++i) limit.refused(address("2001:db8::" + std::to_string(i + 1)), start);
  EXPECT_FALSE(limit.admits(address("2001:db8::ffff"), start));
  EXPECT_TRUE(limit.admits(address("2001:db8:0:1::1"), start));
  EXPECT_TRUE(limit.admits(address("2001:db8::ffff"), start + seconds(60)));
}

TEST(JoinLimitTest, ItsMemoryIsBounded) {
  JoinLimit limit;
  const Monotonic start{std::chrono::hours(1)};
  for (std::size_t i = 0; i < JoinLimit::kMostSources; ++i) {
    limit.refused(address("10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
                          std::to_string(i % 256)),
                  start);
  }
  EXPECT_FALSE(limit.admits(address("192.0.2.1"), start));
  EXPECT_TRUE(limit.admits(address("10.0.0.1"), start)) << "those that are known are still listened to";
  EXPECT_TRUE(limit.admits(address("192.0.2.1"), start + seconds(61)));
}

}  // namespace
}  // namespace loam::identity
