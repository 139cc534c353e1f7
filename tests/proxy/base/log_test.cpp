#include "proxy/base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>

namespace loam {
namespace {

std::string written(const std::function<void(Log&)>& use) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  {
    Log log(LogLevel::Info, ends[1]);
    use(log);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  ::close(ends[0]);
  return text;
}

TEST(LogTest, WritesKeyValueLinesInOrder) {
  const std::string text = written([](Log& log) {
    log.info("guard", "capture applied", {{"ports", "80,443"}});
    log.warn("server", "second");
  });
  EXPECT_NE(text.find("level=info component=guard msg=\"capture applied\" ports=80,443\n"), std::string::npos) << text;
  EXPECT_LT(text.find("capture applied"), text.find("msg=second"));
}

TEST(LogTest, E11_ControlCharactersAreEscaped) {
  const std::string text = written([](Log& log) { log.info("tap", "host", {{"name", "a\r\nlevel=error \x1b[31m"}}); });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_NE(text.find("a\\x0d\\x0alevel=error \\x1b[31m"), std::string::npos) << text;
}

TEST(LogTest, DebugIsLeftOutByDefault) {
  EXPECT_EQ(written([](Log& log) { log.write(LogLevel::Debug, "io", "quiet"); }), "");
}

}  // namespace
}  // namespace loam
