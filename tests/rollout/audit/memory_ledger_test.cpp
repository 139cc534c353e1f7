#include "tests/support/memory_ledger.h"

#include "tests/db/ledger_contract.h"

namespace loam::audit {
namespace {

class MemoryStore final : public LedgerStore {
 public:
  std::unique_ptr<Ledger> open(const Clock& clock) override { return std::make_unique<test::MemoryLedger>(clock); }
};

std::unique_ptr<LedgerStore> makeStore() { return std::make_unique<MemoryStore>(); }

INSTANTIATE_TEST_SUITE_P(Memory, LedgerContractTest, testing::Values(LedgerFactory{"memory", &makeStore}));

TEST(MemoryLedgerTest, FailsWhenItIsToldTo) {
  const test::FakeClock clock;
  test::MemoryLedger ledger(clock);
  const std::vector<Edit> edits{{"flag", "a", {}, Json::Value(1)}};
  ledger.failWith(Error{ErrorCode::Exhausted, "disk full", ErrorOrigin::Local, false});
  const auto refused = ledger.commit(edits, std::nullopt);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Exhausted);
  EXPECT_TRUE(ledger.documents()->empty());
  ledger.failWith(std::nullopt);
  EXPECT_TRUE(ledger.commit(edits, std::nullopt));
}

}  // namespace
}  // namespace loam::audit
