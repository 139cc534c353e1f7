#include "proxy/filters/routing.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

constexpr std::string_view kCanary = R"({"rules": [
    {"name": "beta", "match": {"headers": {"x-beta": "*"}}, "to": [{"labels": {"version": "v2"}}]},
    {"name": "canary", "to": [{"labels": {"version": "v1"}, "weight": 95}, {"labels": {"version": "v2"}, "weight": 5}]}],
    "sticky": {"by": "cookie", "name": "loam", "life": "24h"},
    "overrides": [{"owner": "bo", "header": "Loam-Developer", "value": "bo", "address": "10.8.0.5:8080",
                   "expires": "2026-12-01T00:00:00Z"}]})";

TEST(RoutingSettingsTest, ReadRulesWeightsStickyKeyAndOverrides) {
  const auto settings = good<RoutingSettings>(kCanary);
  ASSERT_EQ(settings.rules.size(), 2u);
  EXPECT_EQ(settings.rules[0].match.headers.at("x-beta").text, "*");
  EXPECT_EQ(settings.rules[0].to[0].weight, 1u);
  EXPECT_EQ(settings.rules[1].to[1].weight, 5u);
  EXPECT_EQ(settings.rules[1].to[1].service, "");
  EXPECT_EQ(settings.sticky->life, std::chrono::hours(24));
  EXPECT_EQ(settings.overrides[0].header, "loam-developer");
  expectWritesWhatItReads<RoutingSettings>(kCanary);
}

TEST(RoutingSettingsTest, AreKeptWithoutRulesButNotUsed) {
  good<RoutingSettings>("{}", Purpose::Keep);
  expectProblems<RoutingSettings>({
      {"{}", {{"", "would go where it goes already"}}},
      {R"({"rules": []})", {{"/rules", "would go where it goes already"}}},
      {R"({"sticky": {"by": "source"}})", {{"", "would go where it goes already"}}},
  });
}

TEST(RoutingSettingsTest, ARuleSendsToSomewhereOnce) {
  expectProblems<RoutingSettings>({
      {R"({"rules": [{"name": "a", "to": [{"weight": 0}, {"service": "b", "weight": 0}]}]})",
       {{"/rules/0/to", "no destination has a weight above 0"}}},
      {R"({"rules": [{"name": "a", "to": []}]})", {{"/rules/0/to", "no destination has a weight above 0"}}},
      {R"({"rules": [{"name": "a", "to": [{"labels": {"v": "1"}}, {"labels": {"v": "1"}, "weight": 2}]}]})",
       {{"/rules/0/to/1", "a second time"}}},
      {R"({"rules": [{"name": "a", "to": [{"weight": -1}, {"weight": 10001, "subset": "v2"}]}]})",
       {{"/rules/0/to/1/subset", "unknown member"},
        {"/rules/0/to/0/weight", "from 0 to 10000"},
        {"/rules/0/to/1/weight", "from 0 to 10000"}}},
  });
}

TEST(RoutingSettingsTest, RulesHaveNamesOfTheirOwnAndAreReached) {
  expectProblems<RoutingSettings>({
      {R"({"rules": [{"name": "a", "match": {"paths": ["/x"]}, "to": [{}]}, {"name": "a", "to": [{}]}]})",
       {{"/rules/1/name", "\"a\" is the name of item 0 already"}}},
      {R"({"rules": [{"name": "a", "to": [{}]}, {"name": "b", "to": [{}]}]})", {{"/rules/0", "never reached"}}},
      {R"({"rules": [{"match": {"paths": ["/x"]}}]})",
       {{"/rules/0", "\"name\" is missing"}, {"/rules/0", "\"to\" is missing"}}},
  });
}

TEST(RoutingSettingsTest, AnOverrideIsWholeAndAlone) {
  const std::string one = R"({"owner": "bo", "header": "x-dev", "value": "bo", "address": "10.8.0.5:8080",
                              "expires": "2026-12-01T00:00:00Z"})";
  expectProblems<RoutingSettings>({
      {R"({"overrides": [)" + one + "," + one + "]}", {{"/overrides/1/value", "the same header and value"}}},
      {R"({"overrides": [{"owner": "bo", "header": "x-dev", "value": "bo", "address": "laptop:8080", "expires": "soon"}]})",
       {{"/overrides/0/address", "an address and a port"}, {"/overrides/0/expires", "a time in UTC"}}},
      {R"({"overrides": [{}]})",
       {{"/overrides/0", "\"owner\""},
        {"/overrides/0", "\"header\""},
        {"/overrides/0", "\"value\""},
        {"/overrides/0", "\"address\""},
        {"/overrides/0", "\"expires\""}}},
  });
}

TEST(RoutingSettingsTest, AStickyKeyHasWhatItsKindHas) {
  const auto sticky = [](const std::string& key) {
    return R"({"rules": [{"name": "a", "to": [{}]}], "sticky": )" + key + "}";
  };
  expectProblems<RoutingSettings>({
      {sticky(R"({"by": "cookie"})"), {{"/sticky/by", "has a name"}}},
      {sticky(R"({"by": "source", "name": "x"})"), {{"/sticky/name", "a source has none"}}},
      {sticky(R"({"by": "header", "name": "x", "life": "1h"})"), {{"/sticky/life", "only a cookie"}}},
      {sticky(R"({"by": "path"})"), {{"/sticky/by", "one of cookie, header, query, source"}}},
      {sticky(R"({})"), {{"/sticky", "\"by\" is missing"}}},
  });
}

}  // namespace
}  // namespace loam::filters
