#include <Poco/Data/Statement.h>

#include <chrono>
#include <random>

#include "db/database.h"
#include "db/schemas.h"
#include "tests/db/control_file.h"

namespace loam::db {
namespace {

using namespace Poco::Data::Keywords;
using audit::Edit;

TEST(LedgerFaultsTest, F4_ForeignFilesAreRefusedAndLeftAlone) {
  const TemporaryDirectory directory;
  ForeignConnection(directory / "browser.db").run("CREATE TABLE bookmarks (url)");
  EXPECT_TRUE(contains(refusal(directory / "browser.db"), "belongs to another program: it is no control ledger"));
  std::string text;
  for (int i = 0; i < 100; ++i) text += "this is no database, but a letter to a friend that somebody kept here. ";
  writeBytes(directory / "letter.db", text);
  EXPECT_TRUE(contains(refusal(directory / "letter.db"), (directory / "letter.db").string()));
  EXPECT_TRUE(contains(refusal(directory / "letter.db"), "it is no database; move it away or name another file"));
  EXPECT_TRUE(bytesOf(directory / "letter.db") == text);
}

TEST(LedgerFaultsTest, F4_AnotherFileOfThisProgramIsNoLedger) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(Database::openWriter(directory / "graph.db", graphSchema()));
  EXPECT_TRUE(contains(refusal(directory / "graph.db"), "it is no control ledger"));
}

TEST(LedgerFaultsTest, F4_DamageIsFoundAtOpenAndSaysWhatToDo) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  const auto path = directory / "control.db";
  {
    const auto ledger = openControl(path, clock);
    for (int i = 0; i < 200; ++i) commitNumber(*ledger, i, 200);
  }
  const std::string good = bytesOf(path);
  std::mt19937 random(2);
  for (int i = 0; i < 20; ++i) {
    std::string damaged = good;
    // A torn write: sectors of another time in the middle of pages.
    for (std::size_t at = 4096 * (1 + random() % 3); at + 512 < damaged.size(); at += 4096)
      damaged.replace(at, 512, 512, static_cast<char>(random()));
    writeBytes(path, damaged);
    const std::string said = refusal(path);
    ASSERT_TRUE(contains(said, path.string())) << said;
    ASSERT_TRUE(contains(said, "restore a backup or move it away")) << said;
    EXPECT_TRUE(bytesOf(path) == damaged);
  }
  for (const std::size_t left : {std::size_t{100}, std::size_t{4096}, good.size() / 2, good.size() - 4096}) {
    writeBytes(path, good.substr(0, left));
    const std::string said = refusal(path);
    ASSERT_TRUE(contains(said, path.string()) && contains(said, "move it away")) << left << ": " << said;
  }
  writeBytes(path, good);
  EXPECT_EQ(refusal(path), "opened");
}

TEST(LedgerFaultsTest, F4_AHeadThatIsBehindIsFoundAtOpen) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  commitNumber(*openControl(directory / "control.db", clock), 1);
  for (const char* column : {"revision", "sequence"}) {
    ForeignConnection(directory / "control.db").run(std::string("UPDATE heads SET ") + column + " = 0");
    const std::string said = refusal(directory / "control.db");
    EXPECT_TRUE(contains(said, "control.db is damaged: it stands at revision")) << said;
    ForeignConnection(directory / "control.db").run(std::string("UPDATE heads SET ") + column + " = 1");
  }
  EXPECT_EQ(refusal(directory / "control.db"), "opened");
}

TEST(LedgerFaultsTest, F5_ACommitWaitsForAnotherWriterAndThenSaysSo) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  const auto ledger = openControl(directory / "control.db", clock, {.busy = milliseconds(100)});
  commitNumber(*ledger, 1);
  ForeignConnection other(directory / "control.db");
  other.run("BEGIN IMMEDIATE");
  const auto begun = std::chrono::steady_clock::now();
  const std::vector<Edit> edits{{"flag", "a", {}, audit::bodyOf("on", 2)}};
  const auto busy = ledger->commit(edits, audit::by("ada"));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(200)) << "it tries twice";
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, ErrorCode::Timeout) << busy.error().describe();
  EXPECT_TRUE(busy.error().retryable);
  EXPECT_EQ(numberOf(*ledger), 1) << "readers do not wait";
  other.run("COMMIT");
  commitNumber(*ledger, 3);
  EXPECT_EQ(numberOf(*ledger), 3);
  EXPECT_EQ(ledger->verify()->events, 2u);
}

TEST(LedgerFaultsTest, F6_TheLogIsCutWhenAReaderLetsGoOfIt) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  constexpr std::uint64_t kBound = 256 * 1024;
  constexpr std::chrono::seconds kBusy{100};
  const auto ledger = openControl(directory / "control.db", clock, {.busy = kBusy, .logBytes = kBound});
  commitNumber(*ledger, 0);
  const auto logBytes = [&directory] { return std::filesystem::file_size(directory / "control.db-wal"); };
  ForeignConnection reader(directory / "control.db");
  reader.run("BEGIN; SELECT count(*) FROM documents");
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 1; i <= 100; ++i) commitNumber(*ledger, i, 20'000);
  EXPECT_GT(logBytes(), 2 * kBound) << "the reader needs it";
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kBusy) << "no commit waits for the reader";
  reader.run("COMMIT");
  commitNumber(*ledger, 101);
  EXPECT_LE(logBytes(), kBound);
  EXPECT_EQ(numberOf(*ledger), 101);
}

TEST(LedgerFaultsTest, F7_ANewerSchemaIsRefusedByName) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  openControl(directory / "control.db", clock);
  ForeignConnection(directory / "control.db").run("PRAGMA user_version = 99");
  EXPECT_TRUE(
      contains(refusal(directory / "control.db"), "has schema 99, this program knows up to 1; start the newer"));
}

/// What a file of schema {1, 2} says about itself.
std::string rowsOf(const std::filesystem::path& path, const std::string& select) {
  ForeignConnection connection(path);
  std::string rows;
  const auto add = [](void* to, int, char** columns, char**) {
    static_cast<std::string*>(to)->append(columns[0]).append(" ");
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(connection.get(), select.c_str(), add, &rows, nullptr), SQLITE_OK) << path;
  return rows;
}

TEST(LedgerFaultsTest, F7_APreciousFileIsCopiedBeforeItIsMigrated) {
  const TemporaryDirectory directory;
  const auto path = directory / "t.db";
  const auto copy = directory / "t.db.schema-1";
  const Migration first[] = {{1, "0001_first", "CREATE TABLE a (x);"}};
  const Migration broken[] = {first[0],
                              {2, "0002_broken", "INSERT INTO a VALUES (2); INSERT INTO nowhere VALUES (1);"}};
  const Migration whole[] = {first[0], {2, "0002_whole", "INSERT INTO a VALUES (3);"}};
  ASSERT_TRUE(Database::openWriter(path, {42, "test", first, true}));
  EXPECT_FALSE(std::filesystem::exists(copy)) << "there was nothing to lose";
  ASSERT_TRUE((*Database::openWriter(path, {42, "test", first, true}))->script("filling", "INSERT INTO a VALUES (1)"));
  ASSERT_FALSE(Database::openWriter(path, {42, "test", broken, true}));
  EXPECT_EQ(rowsOf(copy, "SELECT x FROM a"), "1 ");
  ASSERT_TRUE((*Database::openWriter(path, {42, "test", first, true}))->script("filling", "INSERT INTO a VALUES (4)"));
  ASSERT_TRUE(Database::openWriter(path, {42, "test", whole, true}));
  EXPECT_EQ(rowsOf(path, "SELECT x FROM a"), "1 4 3 ");
  EXPECT_EQ(rowsOf(copy, "SELECT x FROM a"), "1 4 ");
  EXPECT_TRUE(Database::openWriter(copy, {42, "test", first, true})) << "the older program goes on with the copy";
}

TEST(LedgerFaultsTest, F8_ASecondControllerIsRefusedWithAReason) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  const auto ledger = openControl(directory / "control.db", clock);
  EXPECT_TRUE(contains(refusal(directory / "control.db"), "conflict: "));
  EXPECT_TRUE(contains(refusal(directory / "control.db"), "is in use by another process"));
  commitNumber(*ledger, 1);
}

TEST(LedgerFaultsTest, WhatIsPreciousIsSyncedAtEachCommit) {
  const TemporaryDirectory directory;
  const auto synchronous = [](Result<std::unique_ptr<Database>> database) {
    int value = -1;
    EXPECT_TRUE(database && (*database)->attempt("asking", [&value](Poco::Data::Session& session) {
      session << "PRAGMA synchronous", into(value), now;
    }));
    return value;
  };
  EXPECT_EQ(synchronous(Database::openWriter(directory / "control.db", controlSchema())), 2);
  EXPECT_EQ(synchronous(Database::openWriter(directory / "graph.db", graphSchema())), 1);
}

}  // namespace
}  // namespace loam::db
