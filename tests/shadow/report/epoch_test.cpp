#include "shadow/report/epoch.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace loam::report {
namespace {

class EpochTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/epochXXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string path() const { return directory_ + "/epoch"; }
  static Wall at(std::int64_t ms) { return Wall(milliseconds(ms)); }

  std::string directory_;
};

TEST_F(EpochTest, GrowsAtEachStartEvenWhenTheClockWentBack) {
  EXPECT_EQ(nextEpoch(path(), at(1000)).value(), 1000u);
  EXPECT_EQ(nextEpoch(path(), at(1000)).value(), 1001u);
  EXPECT_EQ(nextEpoch(path(), at(5)).value(), 1002u);
  EXPECT_EQ(nextEpoch(path(), at(9000)).value(), 9000u);
}

TEST_F(EpochTest, ADamagedFileCountsAsNone) {
  for (const char* text : {"", "abc\n", "12", "-7\n", "99999999999999999999999999\n"}) {
    std::ofstream(path()) << text;
    EXPECT_EQ(nextEpoch(path(), at(77)).value(), 77u) << text;
  }
}

TEST_F(EpochTest, AFileThatCannotBeWrittenIsAnErrorThatNamesIt) {
  const auto epoch = nextEpoch(directory_ + "/none/epoch", at(1));
  ASSERT_FALSE(epoch);
  EXPECT_NE(epoch.error().context.find(directory_ + "/none/epoch"), std::string::npos);
}

}  // namespace
}  // namespace loam::report
