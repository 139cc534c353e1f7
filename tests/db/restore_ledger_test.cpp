#include "db/restore_ledger.h"

#include <random>

#include "db/database.h"
#include "db/schemas.h"
#include "tests/db/control_file.h"

namespace loam::db {
namespace {

/// control.db at 20, and a backup of it that was made at 10.
class RestoreLedgerTest : public testing::Test {
 protected:
  RestoreLedgerTest() {
    const auto ledger = openControl(control_, clock_);
    for (int i = 1; i <= 10; ++i) commitNumber(*ledger, i);
    EXPECT_TRUE(ledger->backup(backup_));
    for (int i = 11; i <= 20; ++i) last_ = commitNumber(*ledger, i);
  }

  std::string refusal() {
    const auto restored = restoreLedger(backup_, control_);
    return restored ? "restored" : restored.error().describe();
  }

  /// A restore was refused, and nothing is left of it.
  void expectUntouched() {
    EXPECT_EQ(numberOf(*openControl(control_, clock_)), 20);
    EXPECT_FALSE(std::filesystem::exists(directory_ / "control.db.restoring"));
    EXPECT_FALSE(std::filesystem::exists(directory_ / "control.db.restoring.lock"));
    EXPECT_FALSE(std::filesystem::exists(directory_ / "control.db.replaced-1"));
  }

  const test::FakeClock clock_;
  const TemporaryDirectory directory_;
  const std::filesystem::path control_ = directory_ / "control.db";
  const std::filesystem::path backup_ = directory_ / "backup.db";
  std::uint64_t last_ = 0;
};

TEST_F(RestoreLedgerTest, PutsTheBackupInPlaceAndKeepsTheOldFile) {
  const std::string bytes = bytesOf(backup_);
  const auto aside = restoreLedger(backup_, control_);
  ASSERT_TRUE(aside) << aside.error().describe();
  EXPECT_EQ(*aside, directory_ / "control.db.replaced-1");
  const auto ledger = openControl(control_, clock_);
  EXPECT_EQ(numberOf(*ledger), 10);
  EXPECT_EQ(ledger->verify()->events, 10u);
  EXPECT_EQ(numberOf(*openControl(*aside, clock_)), 20);
  EXPECT_TRUE(bytesOf(backup_) == bytes) << "a backup is only read";
}

TEST_F(RestoreLedgerTest, NoRevisionComesAgain) {
  ASSERT_EQ(refusal(), "restored");
  EXPECT_GT(commitNumber(*openControl(control_, clock_), 21), last_);
}

TEST_F(RestoreLedgerTest, TheNextEpochIsBeyondThatOfBothFiles) {
  const auto epoch = [this](std::optional<std::uint64_t> set) {
    const auto ledger = openControl(control_, clock_);
    Json::Value body(Json::objectValue);
    if (set) body["epoch"] = Json::UInt64(*set);
    const audit::Edit edit{"controller", "epoch", std::nullopt, body};
    if (set) {
      EXPECT_TRUE(ledger->commit({&edit, 1}, std::nullopt));
    }
    std::uint64_t found = 0;
    const auto documents = ledger->documents();
    for (const audit::Document& document : *documents) {
      if (document.kind == "controller") found = document.body["epoch"].asUInt64();
    }
    return found;
  };
  epoch(5);
  std::filesystem::remove(backup_);
  ASSERT_TRUE(openControl(control_, clock_)->backup(backup_));
  epoch(7'000'000'000'000);  // of the controller that is lost
  ASSERT_EQ(refusal(), "restored");
  EXPECT_EQ(epoch(std::nullopt), 7'000'000'000'001u);
  EXPECT_TRUE(openControl(control_, clock_)->verify());
}

TEST_F(RestoreLedgerTest, EachOldFileGetsANameOfItsOwn) {
  for (int i = 1; i <= 3; ++i) {
    const auto aside = restoreLedger(backup_, control_);
    ASSERT_TRUE(aside) << aside.error().describe();
    EXPECT_EQ(*aside, directory_ / ("control.db.replaced-" + std::to_string(i)));
  }
}

TEST_F(RestoreLedgerTest, TheOldFileMayBeMissing) {
  std::filesystem::remove(control_);
  const auto aside = restoreLedger(backup_, control_);
  ASSERT_TRUE(aside) << aside.error().describe();
  EXPECT_TRUE(aside->empty());
  EXPECT_EQ(numberOf(*openControl(control_, clock_)), 10);
}

TEST_F(RestoreLedgerTest, TheOldFileMayBeDamagedAndItsLogIsKeptWithIt) {
  const std::string file(8192, 'x');
  const std::string log(5000, 'y');
  writeBytes(control_, file);
  writeBytes(directory_ / "control.db-wal", log);
  const auto aside = restoreLedger(backup_, control_);
  ASSERT_TRUE(aside) << aside.error().describe();
  EXPECT_TRUE(bytesOf(*aside) == file);
  EXPECT_TRUE(bytesOf(aside->string() + "-wal") == log);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "control.db-wal"));
  const auto ledger = openControl(control_, clock_);
  EXPECT_EQ(numberOf(*ledger), 10);
  EXPECT_TRUE(ledger->verify());
}

TEST_F(RestoreLedgerTest, TheLogOfAControllerThatWasKilledIsKeptWithTheOldFile) {
  const TemporaryDirectory elsewhere;
  {
    const auto ledger = openControl(control_, clock_);
    for (int i = 21; i <= 40; ++i) commitNumber(*ledger, i);
    for (const char* suffix : {"", "-wal"})
      std::filesystem::copy(control_.string() + suffix, elsewhere / (std::string("control.db") + suffix));
  }
  const auto aside = restoreLedger(backup_, elsewhere / "control.db");
  ASSERT_TRUE(aside) << aside.error().describe();
  EXPECT_EQ(numberOf(*openControl(*aside, clock_)), 40);
  EXPECT_EQ(numberOf(*openControl(elsewhere / "control.db", clock_)), 10);
}

TEST_F(RestoreLedgerTest, F8_NotWhileAControllerRuns) {
  const auto ledger = openControl(control_, clock_);
  EXPECT_TRUE(contains(refusal(), "conflict: " + control_.string() + " is in use by another process"));
  EXPECT_EQ(numberOf(*ledger), 20);
  commitNumber(*ledger, 21);
}

TEST_F(RestoreLedgerTest, NotWhileAnotherProgramHasTheOldFileOpen) {
  {
    ForeignConnection reader(control_);
    reader.run("SELECT count(*) FROM documents");
    const auto restored = restoreLedger(backup_, control_);
    ASSERT_FALSE(restored);
    EXPECT_EQ(restored.error().code, ErrorCode::Conflict);
    EXPECT_TRUE(contains(restored.error().context, "is open in another program")) << restored.error().context;
    expectUntouched();
  }
  EXPECT_EQ(refusal(), "restored");
}

TEST_F(RestoreLedgerTest, AFileInUseIsNoBackup) {
  const TemporaryDirectory elsewhere;
  const auto ledger = openControl(elsewhere / "control.db", clock_);
  commitNumber(*ledger, 1);
  const auto restored = restoreLedger(elsewhere / "control.db", control_);
  ASSERT_FALSE(restored);
  EXPECT_TRUE(contains(restored.error().context, "is no backup but a file in use")) << restored.error().context;
  expectUntouched();
}

TEST_F(RestoreLedgerTest, F4_NothingThatIsNoLedgerIsRestored) {
  writeBytes(backup_, "");
  EXPECT_TRUE(contains(refusal(), "there is nothing in " + backup_.string())) << refusal();
  std::filesystem::remove(backup_);
  EXPECT_TRUE(contains(refusal(), "there is nothing in " + backup_.string())) << refusal();
  ForeignConnection(backup_).run("CREATE TABLE bookmarks (url)");
  EXPECT_TRUE(contains(refusal(), backup_.string() + " belongs to another program")) << refusal();
  writeBytes(backup_, std::string(10'000, 'x'));
  EXPECT_TRUE(contains(refusal(), backup_.string())) << refusal();
  EXPECT_FALSE(contains(refusal(), "restoring")) << refusal();
  expectUntouched();
}

TEST_F(RestoreLedgerTest, F7_ABackupOfANewerProgramIsNotRestored) {
  ForeignConnection(backup_).run("PRAGMA user_version = 99");
  EXPECT_TRUE(contains(refusal(), backup_.string() + " has schema 99, this program knows up to 1")) << refusal();
  expectUntouched();
}

TEST_F(RestoreLedgerTest, ABackupWithAnAlteredLogOrDocumentIsNotRestored) {
  const std::string good = bytesOf(backup_);
  ForeignConnection(backup_).run("UPDATE events SET who = 'eve' WHERE sequence = 4");
  EXPECT_TRUE(contains(refusal(), backup_.string() + ": audit event 4 is not what was written")) << refusal();
  writeBytes(backup_, good);
  ForeignConnection(backup_).run("UPDATE documents SET body = '{}'");
  EXPECT_TRUE(contains(refusal(), "document flag a is not what was written")) << refusal();
  writeBytes(backup_, good);
  ForeignConnection(backup_).run("DELETE FROM heads");
  EXPECT_TRUE(contains(refusal(), "has no head")) << refusal();
  expectUntouched();
  writeBytes(backup_, good);
  EXPECT_EQ(refusal(), "restored");
}

TEST_F(RestoreLedgerTest, F4_BitFlipsAnywhereInABackupAreFoundOrDoNoHarm) {
  const std::string good = bytesOf(backup_);
  std::mt19937 random(4);
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    std::string flipped = good;
    for (int j = 0; j < 8; ++j) flipped[random() % flipped.size()] ^= static_cast<char>(1u << (random() % 8));
    const TemporaryDirectory elsewhere;
    writeBytes(elsewhere / "flipped.db", flipped);
    if (!restoreLedger(elsewhere / "flipped.db", elsewhere / "control.db")) {
      ++refused;
      ASSERT_FALSE(std::filesystem::exists(elsewhere / "control.db"));
      continue;
    }
    // It hit what nobody reads: a free page, or the unused part of one.
    const auto ledger = openControl(elsewhere / "control.db", clock_);
    ASSERT_EQ(numberOf(*ledger), 10);
    ASSERT_EQ(ledger->verify()->events, 10u);
  }
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace loam::db
