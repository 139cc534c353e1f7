#include "proxy/filters/pattern_match.h"

#include <gtest/gtest.h>

namespace loam::filters {
namespace {

/// By trying everything: what the definition says, slowly.
bool slowly(std::string_view pattern, std::string_view text, bool isPath) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    const bool isDouble = pattern.starts_with("**");
    const std::string_view rest = pattern.substr(isDouble ? 2 : 1);
    for (std::size_t taken = 0;; ++taken) {
      if (slowly(rest, text.substr(taken), isPath)) return true;
      if (taken == text.size() || (isPath && !isDouble && text[taken] == '/')) return false;
    }
  }
  const std::size_t literal = pattern[0] == '\\' ? 1 : 0;
  return !text.empty() && pattern[literal] == text[0] && slowly(pattern.substr(literal + 1), text.substr(1), isPath);
}

TEST(PatternMatchTest, StarsOfTexts) {
  EXPECT_TRUE(matches({"v2*"}, "v2.1/x"));
  EXPECT_TRUE(matches({"*beta*"}, "a-beta"));
  EXPECT_TRUE(matches({"*"}, ""));
  EXPECT_FALSE(matches({"v2"}, "v2.1"));
  EXPECT_FALSE(matches({"v2.1"}, "v2"));
  EXPECT_TRUE(matches({"a\\*b"}, "a*b"));
  EXPECT_FALSE(matches({"a\\*b"}, "axb"));
  EXPECT_TRUE(matches({"a\\\\b"}, "a\\b"));
}

TEST(PatternMatchTest, AStarOfAPathStopsAtASlash) {
  EXPECT_TRUE(matchesPath({"/users/*/cart"}, "/users/7/cart"));
  EXPECT_FALSE(matchesPath({"/users/*/cart"}, "/users/7/8/cart"));
  EXPECT_TRUE(matchesPath({"/api/**"}, "/api/a/b"));
  EXPECT_TRUE(matchesPath({"/api/**"}, "/api/"));
  EXPECT_FALSE(matchesPath({"/api/**"}, "/api"));
  EXPECT_TRUE(matchesPath({"**/cart/*.js"}, "/a/cart/b/cart/x.js"));
}

TEST(PatternMatchTest, IsWhatTryingEverythingSays) {
  std::uint64_t state = 7;
  const auto draw = [&state](std::size_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(state >> 33) % below;
  };
  const std::string_view pieces[] = {"a", "b", "/", "*", "**", "a/", "\\*"};
  int fitted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string pattern;
    for (std::size_t n = draw(7); n > 0; --n) {
      const std::string_view piece = pieces[draw(std::size(pieces))];
      if (piece[0] == '*' && pattern.ends_with('*') && !pattern.ends_with("\\*")) continue;  // "***" is no pattern
      pattern += piece;
    }
    std::string text;
    for (std::size_t n = draw(10); n > 0; --n) text += "ab/*"[draw(4)];
    for (const bool isPath : {false, true}) {
      const bool fits = isPath ? matchesPath({pattern}, text) : matches({pattern}, text);
      ASSERT_EQ(fits, slowly(pattern, text, isPath)) << pattern << " " << text << " " << isPath;
      fitted += fits ? 1 : 0;
    }
  }
  EXPECT_GT(fitted, 2'000);
}

}  // namespace
}  // namespace loam::filters
