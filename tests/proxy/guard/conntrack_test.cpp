#include "proxy/guard/conntrack.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace loam::guard {
namespace {

class ConntrackTest : public ::testing::Test {
 protected:
  ConntrackTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "conntrack-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~ConntrackTest() override { std::filesystem::remove_all(directory_); }
  void file(const std::string& name, const std::string& text) { std::ofstream(directory_ + "/" + name) << text; }

  std::string directory_;
};

TEST_F(ConntrackTest, ReadsCountAndLimit) {
  file("nf_conntrack_count", "250\n");
  file("nf_conntrack_max", "1000\n");
  const auto room = readConntrackRoom(directory_);
  ASSERT_TRUE(room);
  EXPECT_EQ(room->count, 250u);
  EXPECT_EQ(room->limit, 1000u);
  EXPECT_DOUBLE_EQ(room->used(), 0.25);
}

TEST_F(ConntrackTest, SaysWhenNothingIsTracked) {
  const auto room = readConntrackRoom(directory_);
  ASSERT_FALSE(room);
  EXPECT_EQ(room.error().code, ErrorCode::NotFound);
}

TEST_F(ConntrackTest, RefusesGarbage) {
  file("nf_conntrack_count", "many");
  file("nf_conntrack_max", "1000");
  EXPECT_FALSE(readConntrackRoom(directory_));
}

}  // namespace
}  // namespace loam::guard
