#include "proxy/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace loam {
namespace {

/// The characters of a text as code points; "!" for a byte that is none.
std::string charactersOf(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto character = takeCharacter(text);
    if (!character) text.remove_prefix(1);
    out.append(character ? std::to_string(static_cast<unsigned>(*character)) : "!").append(" ");
  }
  return out;
}

TEST(Utf8Test, TakesCharactersOfEachLength) {
  EXPECT_EQ(charactersOf("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\x82"), "97 233 8364 127810 ");
  EXPECT_EQ(charactersOf(std::string_view("\0", 1)), "0 ");
  EXPECT_EQ(charactersOf("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
            "127 128 2047 2048 65535 65536 1114111 ");
}

TEST(Utf8Test, RefusesWhatIsNoUtf8) {
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x8d", "\xc3("}) {
    EXPECT_FALSE(isUtf8(bad)) << testing::PrintToString(bad);
    EXPECT_EQ(charactersOf(bad).front(), '!');
  }
  EXPECT_EQ(charactersOf("\xe2\x82\x61"), "! ! 97 ");
  EXPECT_TRUE(isUtf8(""));
  EXPECT_TRUE(isUtf8("caf\xc3\xa9"));
}

TEST(Utf8Test, E11_KnowsWhatMovesText) {
  for (const char32_t character : {0x00, 0x1b, 0x7f, 0x80, 0x9f, 0x61c, 0x200b, 0x200f, 0x2028, 0x202e, 0x2066, 0xfeff})
    EXPECT_TRUE(movesText(character)) << static_cast<unsigned>(character);
  for (const char32_t character : {0x20, 0x7e, 0xa0, 0xe9, 0x2010, 0x20ac, 0x1f342})
    EXPECT_FALSE(movesText(character)) << static_cast<unsigned>(character);
}

}  // namespace
}  // namespace loam
