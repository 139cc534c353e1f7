#include "rollout/cli/text.h"

#include <gtest/gtest.h>

#include <sstream>

#include "rollout/cli/pause.h"
#include "rollout/cli/table.h"

namespace loam::cli {
namespace {

TEST(TextTest, E11_NamesCannotDriveTheTerminal) {
  EXPECT_EQ(printable("checkout"), "checkout");
  EXPECT_EQ(printable("größe-日本"), "größe-日本");
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(printable("a\r\nb\t"), "a\\x0d\\x0ab\\x09");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "31m"),
            "a\\x9b31m");
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "evil"),
            "\\u{202e}evil");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
}

TEST(TextTest, FiguresReadLikeFigures) {
  EXPECT_EQ(rateText(0), "0/s");
  EXPECT_EQ(rateText(0.001), "<0.01/s");
  EXPECT_EQ(rateText(1.234), "1.23/s");
  EXPECT_EQ(rateText(12.34), "12.3/s");
  EXPECT_EQ(rateText(1234), "1.23k/s");
  EXPECT_EQ(millisecondsText(0.417), "0.42 ms");
  EXPECT_EQ(millisecondsText(120.4), "120 ms");
  EXPECT_EQ(millisecondsText(2500), "2.50 s");
  EXPECT_EQ(percentText(0), "0%");
  EXPECT_EQ(percentText(0.00001), "<0.01%");
  EXPECT_EQ(percentText(0.0031), "0.31%");
  EXPECT_EQ(percentText(0.99996), "99.99%");
  EXPECT_EQ(percentText(1), "100%");
  EXPECT_EQ(bytesText(812), "812 B");
  EXPECT_EQ(bytesText(1229), "1.20 KiB");
  EXPECT_EQ(bytesText(5'368'709'120), "5.00 GiB");
  EXPECT_EQ(lengthText(900), "15m");
  EXPECT_EQ(timeText("2026-11-22T20:55:10Z"), "2026-11-22 20:55:10");
}

TEST(TextTest, LengthsOfTime) {
  EXPECT_EQ(lengthSeconds("30s"), 30);
  EXPECT_EQ(lengthSeconds("5m"), 300);
  EXPECT_EQ(lengthSeconds("0.5"), 0.5);
  for (const char* text : {"", "s", "-5s", "5x", "5 s", "nan", "1e99"}) EXPECT_EQ(lengthSeconds(text), -1) << text;
}

TEST(TableTest, AlignsAndCutsOnlyOnATerminal) {
  Table table({{.title = "NAME", .flexible = true}, {.title = "N", .align = Table::Column::Align::Right}});
  table.add({"a", "1"});
  table.add({"a-very-long-name-of-a-service", "1234"});
  std::ostringstream out, err;
  table.print(Terminal{out, err});
  EXPECT_EQ(out.str(),
            "NAME                              N\n"
            "a                                 1\n"
            "a-very-long-name-of-a-service  1234\n");
  out.str("");
  table.print(Terminal{.out = out, .err = err, .width = 24});
  EXPECT_EQ(out.str(),
            "NAME                   N\n"
            "a                      1\n"
            "a-very-long-name-…  1234\n");
}

}  // namespace
}  // namespace loam::cli
