#include "rollout/audit/watched_ledger.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/memory_ledger.h"

namespace loam::audit {
namespace {

class WatchedLedgerTest : public testing::Test {
 protected:
  static std::optional<Act> byAda() {
    Act act;
    act.who = "ada";
    act.verb = "flag.set";
    return act;
  }
  Result<Commit> write(int value, bool inTheLog = false) {
    const Edit edit{"flag", "a", std::nullopt, Json::Value(value)};
    return ledger.commit({&edit, 1}, inTheLog ? byAda() : std::nullopt);
  }
  const test::FakeClock clock;
  test::MemoryLedger below{clock};
  WatchedLedger ledger{below};
};

TEST_F(WatchedLedgerTest, ItTellsOfWhatIsInTheAuditLogAlone) {
  int told = 0;
  ledger.onCommit([&told] { ++told; });
  ASSERT_TRUE(write(1));
  EXPECT_EQ(told, 0);
  ASSERT_TRUE(write(2, true));
  EXPECT_EQ(told, 1);
  const Edit stale{"flag", "a", 77, Json::Value(3)};
  ASSERT_TRUE(ledger.commit({&stale, 1}, byAda()));
  EXPECT_EQ(told, 1) << "nothing was written";
}

TEST_F(WatchedLedgerTest, ItKnowsWhyItCannotBeWrittenUntilItCan) {
  ASSERT_TRUE(write(1));
  EXPECT_FALSE(ledger.failure());
  below.failWith(Error{ErrorCode::Exhausted, "disk full"});
  EXPECT_FALSE(write(2));
  ASSERT_TRUE(ledger.failure());
  EXPECT_EQ(ledger.failure()->context, "disk full");
  below.failWith(std::nullopt);
  ASSERT_TRUE(write(1));
  EXPECT_TRUE(ledger.failure()) << "nothing changed, so nothing was written";
  ASSERT_TRUE(write(3));
  EXPECT_FALSE(ledger.failure());
}

TEST_F(WatchedLedgerTest, AWrongEditIsNoFailureOfTheLedger) {
  const Edit nameless{"", "a", std::nullopt, Json::Value(1)};
  EXPECT_FALSE(ledger.commit({&nameless, 1}, std::nullopt));
  EXPECT_FALSE(ledger.failure());
}

}  // namespace
}  // namespace loam::audit
