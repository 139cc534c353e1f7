#include "proxy/base/durable_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace loam {
namespace {

void write(const std::filesystem::path& path, const char* text) { std::ofstream(path) << text; }

TEST(DurableFileTest, ARenameReplacesNothing) {
  const test::TemporaryDirectory directory;
  write(directory / "new", "new");
  EXPECT_TRUE(renameToNew(directory / "new", directory / "name"));
  EXPECT_FALSE(std::filesystem::exists(directory / "new"));
  write(directory / "new", "newer");
  const Status taken = renameToNew(directory / "new", directory / "name");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::Conflict);
  EXPECT_EQ(std::filesystem::file_size(directory / "name"), 3u);
  EXPECT_TRUE(std::filesystem::exists(directory / "new"));
}

TEST(DurableFileTest, WhatCannotBeSyncedIsSaid) {
  const test::TemporaryDirectory directory;
  write(directory / "file", "x");
  EXPECT_TRUE(syncFile(directory / "file"));
  EXPECT_TRUE(syncDirectoryOf(directory / "file"));
  EXPECT_TRUE(syncDirectoryOf("file in the directory of the process"));
  const Status missing = syncFile(directory / "missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  EXPECT_FALSE(syncDirectoryOf(directory / "no directory" / "file"));
}

}  // namespace
}  // namespace loam
