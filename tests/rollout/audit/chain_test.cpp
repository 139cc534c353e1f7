#include "rollout/audit/chain.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/rollout/audit/sample_events.h"

namespace loam::audit {
namespace {

/// Why a log is refused; empty when it is good.
std::string refusal(const std::vector<Event>& log, Chain chain = Chain()) {
  for (const Event& event : log) {
    if (const Status followed = chain.follow(event); !followed) return followed.error().describe();
  }
  return {};
}

TEST(ChainTest, FollowsALogFromItsFirstEvent) {
  const auto log = logOf(20);
  Chain chain;
  for (const Event& event : log) ASSERT_TRUE(chain.follow(event));
  EXPECT_EQ(chain.sequence(), 20u);
  EXPECT_EQ(chain.hash(), log.back().hash);
}

TEST(ChainTest, FollowsAPageFromAnEventThatIsKnown) {
  const auto log = logOf(20);
  const std::vector<Event> page(log.begin() + 10, log.end());
  EXPECT_EQ(refusal(page, Chain(10, log[9].hash)), "");
  EXPECT_EQ(refusal(page), "conflict: audit event 11 stands where event 1 should");
  EXPECT_EQ(refusal(page, Chain(10, log[8].hash)), "conflict: audit event 11 does not follow from the one before it");
}

TEST(ChainTest, NamesTheEventThatWasChanged) {
  auto log = logOf(20);
  log[6].act.who = "bob";
  EXPECT_EQ(refusal(log).substr(0, 59), "conflict: audit event 7 is not what was written: its hash w");
  // One that hashes what he wrote breaks the next link instead.
  log[6].hash = hashOf(log[6]);
  EXPECT_EQ(refusal(log), "conflict: audit event 8 does not follow from the one before it");
}

TEST(ChainTest, NoticesEventsThatAreMissingOrInAnotherOrder) {
  auto log = logOf(20);
  log.erase(log.begin() + 4);
  EXPECT_EQ(refusal(log), "conflict: audit event 6 stands where event 5 should");
  log = logOf(20);
  std::swap(log[3], log[4]);
  EXPECT_EQ(refusal(log), "conflict: audit event 5 stands where event 4 should");
  log = logOf(20);
  log.insert(log.begin() + 4, log[3]);
  EXPECT_EQ(refusal(log), "conflict: audit event 4 stands where event 5 should");
}

TEST(ChainTest, StaysWhereItWasAfterAnEventThatDoesNotFollow) {
  const auto log = logOf(3);
  Chain chain;
  ASSERT_TRUE(chain.follow(log[0]));
  EXPECT_FALSE(chain.follow(log[2]));
  EXPECT_EQ(chain.sequence(), 1u);
  EXPECT_TRUE(chain.follow(log[1]));
}

}  // namespace
}  // namespace loam::audit
