#include "tests/db/control_file.h"
#include "tests/rollout/identity/identities_fixture.h"

namespace loam::db {
namespace {

TEST(JoinRaceTest, D10_OneOfTwoHundredWinsOverSqlite) {
  const TemporaryDirectory directory;
  const identity::test::TemporaryDirectory keys;
  const SystemClock clock;
  Log log(LogLevel::Error);
  const auto ledger = openControl(directory / "control.db", clock);
  ASSERT_TRUE(ledger);
  EXPECT_EQ(identity::test::raceFor(*ledger, keys.path(), clock, log), 1);
  EXPECT_TRUE(ledger->verify());
  int certificates = 0;
  const auto documents = ledger->documents();
  for (const audit::Document& document : *documents) certificates += document.kind == "certificate" ? 1 : 0;
  EXPECT_EQ(certificates, 1);
}

}  // namespace
}  // namespace loam::db
