#include <sys/stat.h>

#include "tests/db/control_file.h"
#include "tests/db/durable_ledger_contract.h"
#include "tests/db/ledger_contract.h"

namespace loam::audit {
namespace {

class SqliteLedgerStore final : public DurableLedgerStore {
 public:
  std::unique_ptr<Ledger> open(const Clock& clock) override {
    return db::openControl(directory_ / "control.db", clock);
  }
  std::unique_ptr<Ledger> openBackup(const std::filesystem::path& file, const Clock& clock) override {
    return db::openControl(file, clock);
  }

 private:
  test::TemporaryDirectory directory_;
};

std::unique_ptr<LedgerStore> makeStore() { return std::make_unique<SqliteLedgerStore>(); }
std::unique_ptr<DurableLedgerStore> makeDurableStore() { return std::make_unique<SqliteLedgerStore>(); }

INSTANTIATE_TEST_SUITE_P(Sqlite, LedgerContractTest, testing::Values(LedgerFactory{"sqlite", &makeStore}));
INSTANTIATE_TEST_SUITE_P(Sqlite, DurableLedgerContractTest,
                         testing::Values(DurableLedgerFactory{"sqlite", &makeDurableStore}));

}  // namespace
}  // namespace loam::audit

namespace loam::db {
namespace {

std::string planOf(const std::filesystem::path& path, const std::string& sql) {
  ForeignConnection connection(path);
  std::string plan;
  const auto add = [](void* to, int, char** columns, char**) {
    static_cast<std::string*>(to)->append(columns[3]).append("; ");
    return 0;
  };
  sqlite3_exec(connection.get(), ("EXPLAIN QUERY PLAN " + sql).c_str(), add, &plan, nullptr);
  return plan;
}

TEST(SqliteLedgerTest, FilesAreForTheirOwnerAlone) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  const auto ledger = openControl(directory / "control.db", clock);
  commitNumber(*ledger, 1);
  ASSERT_TRUE(ledger->backup(directory / "backup.db"));
  for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
    struct stat status {};
    ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << file.path();
  }
}

TEST(SqliteLedgerTest, EventsAreFoundByIndex) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  openControl(directory / "control.db", clock);
  const std::string select = "SELECT hash FROM events WHERE sequence > 0 AND at >= 0 AND at < 9";
  EXPECT_TRUE(contains(planOf(directory / "control.db", select + " AND kind = 'a' AND key = 'b' ORDER BY sequence"),
                       "USING INDEX events_by_document (kind=? AND key=? AND sequence>?)"));
  EXPECT_TRUE(contains(planOf(directory / "control.db", "SELECT hash FROM events WHERE at >= 5 AND at < 9"),
                       "USING INDEX events_by_time"));
}

TEST(SqliteLedgerTest, ABackupLeavesNothingHalfMade) {
  const TemporaryDirectory directory;
  const TemporaryDirectory backups;
  const test::FakeClock clock;
  const auto ledger = openControl(directory / "control.db", clock);
  commitNumber(*ledger, 1);
  ASSERT_TRUE(ledger->backup(backups / "one.db"));
  ASSERT_FALSE(ledger->backup(backups / "one.db"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(backups.path()), {}), 1);
}

TEST(SqliteLedgerTest, ABackupIsOpenedLikeTheFileItself) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  {
    const auto ledger = openControl(directory / "control.db", clock);
    commitNumber(*ledger, 7);
    ASSERT_TRUE(ledger->backup(directory / "backup.db"));
  }
  const auto copy = openControl(directory / "backup.db", clock);
  EXPECT_EQ(numberOf(*copy), 7);
  EXPECT_GT(commitNumber(*copy, 8), 1u);
  EXPECT_EQ(copy->verify()->events, 2u);
}

}  // namespace
}  // namespace loam::db
