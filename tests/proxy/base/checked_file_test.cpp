#include "proxy/base/checked_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/temporary_directory.h"

namespace loam {
namespace {

class CheckedFileTest : public testing::Test {
 protected:
  std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void put(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }

  test::TemporaryDirectory directory_;
  const std::string path_ = directory_ / "file";
};

TEST_F(CheckedFileTest, ReadsBackWhatItWrote) {
  EXPECT_EQ(readChecked(path_, 100).value(), std::optional<std::string>());
  ASSERT_TRUE(replaceChecked(path_, "{\"a\":1}"));
  EXPECT_EQ(readChecked(path_, 100).value(), std::optional<std::string>("{\"a\":1}"));
  EXPECT_EQ(readChecked(path_, 7).value(), std::optional<std::string>("{\"a\":1}"));
  EXPECT_EQ(readChecked(path_, 6).error().code, ErrorCode::Exhausted);
}

TEST_F(CheckedFileTest, AnyOtherByteAndAnyCutIsDamage) {
  ASSERT_TRUE(replaceChecked(path_, "content"));
  const std::string whole = bytes();
  for (std::size_t i = 0; i + 1 < whole.size(); ++i) {
    std::string other = whole;
    other[i] = static_cast<char>(other[i] ^ 1);
    put(other);
    EXPECT_EQ(readChecked(path_, 100).error().code, ErrorCode::Protocol) << i;
    put(whole.substr(0, i));
    EXPECT_EQ(readChecked(path_, 100).error().code, ErrorCode::Protocol) << i;
  }
}

}  // namespace
}  // namespace loam
