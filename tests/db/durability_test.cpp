#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "db/database.h"
#include "db/schemas.h"
#include "tests/db/sample.h"

namespace loam::db {
namespace {

using namespace Poco::Data::Keywords;

wire::Report numbered(std::uint64_t sequence) {
  const auto step = static_cast<std::int64_t>(sequence);
  return reportOf(
      "web-1", sequence, kStart + step * 10,
      {edgeOf("10.0.0." + std::to_string(1 + sequence % 50), "10.0.1.1:80", kStart + step * 10, countsOf(1, 1))});
}

/// The child ingests for ever and writes each acknowledged sequence number to the pipe.
[[noreturn]] void ingestForEver(const std::filesystem::path& path, std::uint64_t first, int acknowledged) {
  auto store = openGraphStore(path);
  if (!store) ::_exit(3);
  for (std::uint64_t sequence = first;; ++sequence) {
    const wire::Report report = numbered(sequence);
    const auto counted = (*store)->ingest({&report, 1});
    if (!counted || !counted->front()) ::_exit(4);
    if (::write(acknowledged, &sequence, sizeof sequence) != sizeof sequence) ::_exit(5);
    if (sequence % 20 == 0 && !(*store)->rollUp(kStart + static_cast<std::int64_t>(sequence) * 10)) ::_exit(6);
  }
}

TEST(DurabilityTest, F1_KillAtAnyInstantLosesNoAcknowledgedReport) {
  const TemporaryDirectory directory;
  const auto path = directory / "graph.db";
  std::mt19937_64 random(17);
  std::uint64_t acknowledged = 0;
  std::uint64_t stored = 0;
  for (int round = 0; round < 60; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      ingestForEver(path, stored + 1, ends[1]);
    }
    ::close(ends[1]);
    // Wait for its first report, then a random moment.
    ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);
    while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    ::close(ends[0]);

    const auto store = openStore(path);  // checks the file
    ASSERT_NE(store, nullptr);
    const auto state = (*(*store->snapshot())->proxies({0, kStart * 2})).front();
    stored = state.sequence;
    ASSERT_GE(stored, acknowledged);
    ASSERT_LE(stored, acknowledged + 1);  // committed, killed before it could say so
    ASSERT_EQ(state.reports, stored);
    ASSERT_EQ(totalOf(sumsOf(*store, {kStart, kStart * 2})).requests, stored);
  }
  auto reader = Database::openReader(path);
  std::string verdict;
  ASSERT_TRUE((*reader)->attempt("checking",
                                 [&](Poco::Data::Session& s) { s << "PRAGMA integrity_check", into(verdict), now; }));
  EXPECT_EQ(verdict, "ok");
}

TEST(DurabilityTest, F3_AFullDiskRefusesNewReportsAndKeepsOldOnes) {
  const TemporaryDirectory directory;
  if (::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=2m") != 0)
    GTEST_SKIP() << "needs root to mount a tmpfs";
  {
    const auto store = openStore(directory / "graph.db");
    ASSERT_NE(store, nullptr);
    std::uint64_t counted = 0;
    Result<std::vector<bool>> answer;
    for (std::uint64_t sequence = 1; sequence < 100'000; ++sequence) {
      const wire::Report report = numbered(sequence);
      answer = store->ingest({&report, 1});
      if (!answer) break;
      counted = sequence;
    }
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::Exhausted) << answer.error().describe();
    EXPECT_GT(counted, 20u);
    EXPECT_GE(store->counters().failures, 1u);
    // Reads go on, and everything acknowledged is there.
    EXPECT_EQ(totalOf(sumsOf(*store, {kStart, kStart * 2})).requests, counted);
    // Room again: it recovers alone, and the report that was refused is counted now.
    ASSERT_EQ(::mount("tmpfs", directory.path().c_str(), "tmpfs", MS_REMOUNT, "size=16m"), 0);
    EXPECT_TRUE(ingestOne(*store, numbered(counted + 1)));
    EXPECT_EQ(totalOf(sumsOf(*store, {kStart, kStart * 2})).requests, counted + 1);
  }
  EXPECT_EQ(::umount(directory.path().c_str()), 0);
}

void runSql(const std::filesystem::path& path, const char* sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
  sqlite3_close(handle);
}

std::string refusal(const std::filesystem::path& path) {
  const auto store = openGraphStore(path);
  return store ? "opened" : store.error().describe();
}

TEST(DurabilityTest, F4_ForeignFilesAreRefusedAndLeftAlone) {
  const TemporaryDirectory directory;
  runSql(directory / "browser.db", "CREATE TABLE bookmarks (url)");
  EXPECT_NE(refusal(directory / "browser.db").find("belongs to another program"), std::string::npos);
  const std::string text = "this is no database, but a letter to a friend that somebody kept here. ";
  std::ofstream(directory / "letter.db") << text << text << text << text << text << text << text << text;
  EXPECT_NE(refusal(directory / "letter.db"), "opened");
  std::ifstream letter(directory / "letter.db");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(letter), {}).substr(0, text.size()), text);
}

TEST(DurabilityTest, F4_DamageIsFoundAtOpen) {
  const TemporaryDirectory directory;
  const auto path = directory / "graph.db";
  {
    const auto store = openStore(path);
    for (std::uint64_t sequence = 1; sequence <= 500; ++sequence) ingestOne(*store, numbered(sequence));
  }
  const auto size = std::filesystem::file_size(path);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  for (std::uintmax_t at = 4096; at + 64 < size; at += 1024) {
    file.seekp(static_cast<std::streamoff>(at));
    file << std::string(64, '\x5a');
  }
  file.close();
  EXPECT_NE(refusal(path).find(path.string()), std::string::npos);
  EXPECT_NE(refusal(path), "opened");
}

TEST(DurabilityTest, F7_ANewerSchemaIsRefusedByName) {
  const TemporaryDirectory directory;
  openStore(directory / "graph.db");
  runSql(directory / "graph.db", "PRAGMA user_version = 99");
  const std::string newest = std::to_string(graphSchema().migrations.back().version);
  EXPECT_NE(refusal(directory / "graph.db").find("has schema 99, this program knows up to " + newest),
            std::string::npos);
}

TEST(DurabilityTest, F7_AMigrationThatFailsLeavesTheFileAsItWas) {
  const TemporaryDirectory directory;
  const Migration first[] = {{1, "0001_first", "CREATE TABLE a (x);"}};
  const Migration broken[] = {first[0], {2, "0002_broken", "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);"}};
  const Migration whole[] = {first[0], {2, "0002_whole", "CREATE TABLE b (x);"}};
  ASSERT_TRUE(Database::openWriter(directory / "t.db", {42, "test", first}));
  const auto failed = Database::openWriter(directory / "t.db", {42, "test", broken});
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().context.find("0002_broken"), std::string::npos);
  EXPECT_TRUE(Database::openWriter(directory / "t.db", {42, "test", whole}));
}

TEST(DurabilityTest, F8_ASecondProcessIsRefused) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  const auto second = openGraphStore(directory / "graph.db");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  EXPECT_NE(second.error().context.find("in use by another process"), std::string::npos);
}

TEST(DurabilityTest, ReadersCannotWriteAndSeeOneState) {
  const TemporaryDirectory directory;
  const auto store = openStore(directory / "graph.db");
  ingestOne(*store, numbered(1));
  auto reader = Database::openReader(directory / "graph.db");
  ASSERT_TRUE(reader);
  EXPECT_FALSE((*reader)->script("writing", "DELETE FROM tens"));
  const auto snapshot = *store->snapshot();
  ingestOne(*store, numbered(2));
  EXPECT_EQ(snapshot->sums({kStart, kStart + 100}, record::Snap::Around, false)->flows.size(), 1u);
  EXPECT_EQ(sumsOf(*store, {kStart, kStart + 100}).flows.size(), 2u);
}

}  // namespace
}  // namespace loam::db
