#include "proxy/filters/words.h"

#include <gtest/gtest.h>

namespace loam::filters {
namespace {

/// What a word makes of a text; "-" where it is none.
template <class T>
std::string canonicalOf(const Word<T>& word, std::string_view text) {
  const auto value = word.parse(text);
  return value ? word.write(*value) : "-";
}

template <class T>
void expectWords(const Word<T>& word, const std::vector<std::pair<std::string, std::string>>& table) {
  for (const auto& [text, canonical] : table) {
    EXPECT_EQ(canonicalOf(word, text), canonical) << word.kind << ": " << text;
    if (canonical == "-") continue;
    EXPECT_EQ(canonicalOf(word, canonical), canonical) << word.kind;
  }
}

TEST(WordsTest, SizesAreBytesInBinaryUnits) {
  expectWords(size(0, 1ULL << 40), {{"0B", "0B"},
                                    {"0KiB", "0B"},
                                    {"1023B", "1023B"},
                                    {"1024B", "1KiB"},
                                    {"64KiB", "64KiB"},
                                    {"1536KiB", "1536KiB"},
                                    {"1024KiB", "1MiB"},
                                    {"1024GiB", "1024GiB"},
                                    {"", "-"},
                                    {"B", "-"},
                                    {"64", "-"},
                                    {"64kB", "-"},
                                    {"64 KiB", "-"},
                                    {"-1B", "-"},
                                    {"1.5MiB", "-"},
                                    {"1025GiB", "-"},
                                    {"18446744073709551615GiB", "-"},
                                    {"99999999999999999999B", "-"}});
  EXPECT_EQ(size(64 << 10, 1 << 20).kind, "a size from 64KiB to 1MiB");
  EXPECT_EQ(canonicalOf(size(64 << 10, 1 << 20), "65535B"), "-");
}

TEST(WordsTest, RatesKeepTheirUnit) {
  expectWords(rate(), {{"100/s", "100/s"},
                       {"60/m", "60/m"},
                       {"060/m", "60/m"},
                       {"1000000000/h", "1000000000/h"},
                       {"0/s", "-"},
                       {"100", "-"},
                       {"/s", "-"},
                       {"100/d", "-"},
                       {"1.5/s", "-"},
                       {"100 /s", "-"},
                       {"100/1s", "-"},
                       {"1000000001/s", "-"},
                       {"-1/s", "-"},
                       {"", "-"},
                       {"100/s ", "-"}});
  EXPECT_EQ(rate().parse("60/m")->per, seconds(60));
}

TEST(WordsTest, QuotasAreOfADayOrAMonth) {
  expectWords(quota(), {{"10000/day", "10000/day"},
                        {"1000000000000/month", "1000000000000/month"},
                        {"0/day", "-"},
                        {"10/s", "-"},
                        {"10/days", "-"},
                        {"/day", "-"},
                        {"1000000000001/day", "-"}});
}

TEST(WordsTest, NamesOfRulesFitIntoMetrics) {
  expectWords(ruleName(), {{"admin-only", "admin-only"},
                           {"a.b_c-9", "a.b_c-9"},
                           {"9", "9"},
                           {std::string(63, 'a'), std::string(63, 'a')},
                           {"", "-"},
                           {"-a", "-"},
                           {"A", "-"},
                           {"a b", "-"},
                           {"a/b", "-"},
                           {"\xc3\xa4", "-"},
                           {std::string(64, 'a'), "-"}});
}

TEST(WordsTest, NamesOfServicesAreAnyLineWithoutASlash) {
  expectWords(serviceName(), {{"web", "web"},
                              {"nginx.service", "nginx.service"},
                              {"Web Shop", "Web Shop"},
                              {"10.4.9.17:8080", "10.4.9.17:8080"},
                              {"", "-"},
                              {" web", "-"},
                              {"web ", "-"},
                              {"a/b", "-"},
                              {"a\nb", "-"},
                              {std::string("a\0b", 3), "-"},
                              {std::string(256, 'a'), "-"}});
}

TEST(WordsTest, HeaderNamesAreHeldInLowerCase) {
  expectWords(
      headerName(),
      {{"X-Canary", "x-canary"}, {"x-canary", "x-canary"}, {"", "-"}, {"x canary", "-"}, {"x:", "-"}, {"x\r", "-"}});
  expectWords(cookieName(), {{"Session", "Session"}, {"a=b", "-"}, {"", "-"}});
  expectWords(method(), {{"GET", "GET"}, {"get", "get"}, {"M-SEARCH", "M-SEARCH"}, {"G T", "-"}, {"", "-"}});
}

TEST(WordsTest, TimesAreUtcToTheSecond) {
  expectWords(time(), {{"2026-12-01T12:00:00Z", "2026-12-01T12:00:00Z"}, {"2026-12-01", "-"}, {"1763845510", "-"}});
}

TEST(WordsTest, OneOfKnowsItsNamesAlone) {
  const Word<int> word = oneOf<int>({{"one", 1}, {"two", 2}});
  EXPECT_EQ(word.kind, "one of one, two");
  expectWords(word, {{"one", "one"}, {"two", "two"}, {"three", "-"}, {"One", "-"}, {"", "-"}});
}

TEST(WordsTest, LinesAndTextsAreBounded) {
  expectWords(line(3), {{"abc", "abc"}, {"abcd", "-"}, {"", "-"}, {"a\tb", "-"}});
  expectWords(anyText(3), {{"", ""}, {"a\nb", "a\nb"}, {"abcd", "-"}});
}

}  // namespace
}  // namespace loam::filters
