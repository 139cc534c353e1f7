#include "proxy/base/kill_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/small_disk.h"

namespace loam {
namespace {

TEST(KillFileTest, SaysWhoWhenAndWhyUntilItIsRemoved) {
  const test::TemporaryDirectory directory;
  EXPECT_EQ(readKill(directory.path()), std::nullopt);
  EXPECT_EQ(removeKill(directory.path()), false);
  const KillOrder order{"root", 1'700'000'000, "requests hang"};
  ASSERT_TRUE(writeKill(directory.path(), order));
  EXPECT_EQ(readKill(directory.path()), order);
  struct stat file {};
  ASSERT_EQ(::stat(killFile(directory.path()).c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0644u) << "a proxy of another user is to read it";
  const KillOrder second{"ada", 1'700'000'001, ""};
  ASSERT_TRUE(writeKill(directory.path(), second));
  EXPECT_EQ(readKill(directory.path()), second);
  EXPECT_EQ(removeKill(directory.path()), true);
  EXPECT_EQ(readKill(directory.path()), std::nullopt);
}

TEST(KillFileTest, ThatItIsThereCounts) {
  const test::TemporaryDirectory directory;
  for (const char* content : {"", "now!", "{\"who\":", "[1]", "{\"who\":7}"}) {
    std::ofstream(killFile(directory.path())) << content;
    EXPECT_EQ(readKill(directory.path()), KillOrder()) << content;
  }
}

TEST(KillFileTest, AMissingDirectoryIsNamed) {
  const test::TemporaryDirectory directory;
  const auto path = directory / "none";
  const Status written = writeKill(path, {});
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().context.find(path.string()), std::string::npos);
  EXPECT_EQ(readKill(path), std::nullopt);
}

TEST(KillFileTest, F3_AFullDiskTakesIt) {
  test::SmallDisk disk("64k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  disk.fill();
  ASSERT_TRUE(writeKill(disk / "", {"root", 1, "the disk is full, too"}));
  EXPECT_TRUE(readKill(disk / "")->has_value());
  EXPECT_EQ(removeKill(disk / ""), true);
}

}  // namespace
}  // namespace loam
