#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <fstream>

#include "db/sqlite_spool.h"
#include "tests/db/sample.h"

namespace loam::db {
namespace {

std::unique_ptr<report::Spool> open(const std::filesystem::path& path, const SpoolLimits& limits = {}) {
  auto spool = openSpool(path, limits);
  EXPECT_TRUE(spool) << spool.error().describe();
  return spool ? *std::move(spool) : nullptr;
}

TEST(SpoolTest, GivesBackInOrderAcrossARestart) {
  const TemporaryDirectory directory;
  {
    const auto spool = open(directory / "spool.db");
    for (const char* report : {"one", "two", "three"}) ASSERT_TRUE(spool->push(report));
    EXPECT_EQ(**spool->front(), "one");
    EXPECT_EQ(**spool->front(), "one");
    ASSERT_TRUE(spool->pop());
  }
  const auto spool = open(directory / "spool.db");
  EXPECT_EQ(spool->size(), 2u);
  EXPECT_EQ(spool->bytes(), 8u);
  EXPECT_EQ(**spool->front(), "two");
  ASSERT_TRUE(spool->pop());
  EXPECT_EQ(**spool->front(), "three");
  ASSERT_TRUE(spool->pop());
  EXPECT_FALSE(spool->front()->has_value());
  ASSERT_TRUE(spool->pop());
  EXPECT_EQ(spool->size(), 0u);
}

TEST(SpoolTest, DropsTheOldestWhenFullAndCountsThem) {
  const TemporaryDirectory directory;
  {
    const auto spool = open(directory / "spool.db", {3, 100});
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(spool->push("r" + std::to_string(i)));
    EXPECT_EQ(spool->size(), 3u);
    EXPECT_EQ(spool->dropped(), 2u);
    EXPECT_EQ(**spool->front(), "r2");
    ASSERT_TRUE(spool->push(std::string(99, 'x')));  // by bytes
    EXPECT_EQ(spool->size(), 1u);
    EXPECT_FALSE(spool->push(std::string(101, 'x')));
    EXPECT_EQ(spool->size(), 1u);
  }
  EXPECT_EQ(open(directory / "spool.db")->dropped(), 5u);
}

TEST(SpoolTest, PopAfterTheFrontWasPushedOutRemovesNothingElse) {
  const TemporaryDirectory directory;
  const auto spool = open(directory / "spool.db", {2, 100});
  ASSERT_TRUE(spool->push("a"));
  ASSERT_TRUE(spool->push("b"));
  EXPECT_EQ(**spool->front(), "a");
  ASSERT_TRUE(spool->push("c"));
  ASSERT_TRUE(spool->pop());
  EXPECT_EQ(**spool->front(), "b");
  EXPECT_EQ(spool->size(), 2u);
}

TEST(SpoolTest, SurvivesAKill) {
  const TemporaryDirectory directory;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto spool = openSpool(directory / "spool.db");
    for (int i = 0; spool; ++i) {
      if (!(*spool)->push(std::to_string(i)) || ::write(ends[1], &i, sizeof i) != sizeof i) ::_exit(1);
    }
    ::_exit(2);
  }
  int last = 0;
  for (int i = 0; i < 200; ++i) ASSERT_EQ(::read(ends[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[1]);
  while (::read(ends[0], &last, sizeof last) == sizeof last) {
  }
  ::close(ends[0]);
  const auto spool = open(directory / "spool.db");
  ASSERT_GE(spool->size(), static_cast<std::size_t>(last) + 1);
  for (int i = 0; i <= last; ++i) {
    ASSERT_EQ(**spool->front(), std::to_string(i));
    ASSERT_TRUE(spool->pop());
  }
}

TEST(SpoolTest, ADamagedFileIsMovedAside) {
  const TemporaryDirectory directory;
  const auto path = directory / "spool.db";
  {
    const auto spool = open(path);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(spool->push(std::string(500, 'x')));
  }
  const auto size = std::filesystem::file_size(path);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  for (std::uintmax_t at = 4096; at + 64 < size; at += 512) {
    file.seekp(static_cast<std::streamoff>(at));
    file << std::string(64, '\x5a');
  }
  file.close();
  bool movedAside = false;
  const auto spool = openSpool(path, {}, &movedAside);
  ASSERT_TRUE(spool) << spool.error().describe();
  EXPECT_TRUE(movedAside);
  EXPECT_TRUE(std::filesystem::exists(directory / "spool.db.damaged"));
  EXPECT_EQ((*spool)->size(), 0u);
  EXPECT_TRUE((*spool)->push("fresh"));
}

TEST(SpoolTest, ForeignFilesAndASecondProxyAreRefused) {
  const TemporaryDirectory directory;
  openStore(directory / "graph.db");
  const auto foreign = openSpool(directory / "graph.db");
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().context.find("belongs to another program"), std::string::npos);
  const auto first = open(directory / "spool.db");
  const auto second = openSpool(directory / "spool.db");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
}

}  // namespace
}  // namespace loam::db
