#include "proxy/guard/closed_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace loam::guard {
namespace {

class ClosedFileTest : public testing::Test {
 protected:
  test::TemporaryDirectory directory;
  ClosedFile file{directory / "state/guard.closed"};
  std::vector<ClosedWay> ways{{*SocketAddress::parse("10.0.0.5:80"), {}},
                              {*SocketAddress::parse("10.0.0.5:80"), *IpAddress::parse("10.0.0.9")},
                              {*SocketAddress::parse("[fd00::5]:0"), {}}};
};

TEST_F(ClosedFileTest, WhatIsStoredIsLoaded) {
  EXPECT_FALSE(*file.load());
  for (const bool opened : {false, true}) {
    ASSERT_TRUE(file.store({ways, opened}));
    const auto back = file.load();
    ASSERT_TRUE(back && *back);
    EXPECT_EQ((*back)->ways, ways);
    EXPECT_EQ((*back)->opened, opened);
  }
  ASSERT_TRUE(file.store({}));
  EXPECT_FALSE(std::filesystem::exists(file.path()));
  EXPECT_TRUE(file.store({}));
}

TEST_F(ClosedFileTest, G9_WhatIsDamagedOrCutShortIsNamedWithItsLine) {
  std::filesystem::create_directories(directory / "state");
  for (const auto& [text, word] : std::vector<std::pair<std::string, std::string>>{
           {"", ":0: expected 'end'"},
           {"loam-guard 9 closed\nend\n", ":1: expected 'loam-guard 1 closed'"},
           {"loam-guard 1 closed\n10.0.0.5:80\n", ":2: expected 'end'"},
           {"loam-guard 1 closed\n10.0.0.5\nend\n", ":2: no port"},
           {"loam-guard 1 closed\n10.0.0.5:80 from x\nend\n", ":2: "},
           {"loam-guard 1 closed\n0.0.0.0:80\nend\n", "names no address"},
           {"loam-guard 1 closed\nend\n10.0.0.5:80\n", "expected 'end'"}}) {
    std::ofstream(file.path()) << text;
    const auto loaded = file.load();
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().code, ErrorCode::Protocol);
    EXPECT_NE(loaded.error().context.find(word), std::string::npos) << loaded.error().context;
  }
  file.setAside();
  EXPECT_FALSE(*file.load());
}

}  // namespace
}  // namespace loam::guard
