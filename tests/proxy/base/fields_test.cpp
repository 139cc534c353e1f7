#include "proxy/base/fields.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"

namespace loam {
namespace {

using namespace std::chrono_literals;
using Problems = std::vector<FieldProblem>;

Json::Value json(std::string_view text) {
  auto value = parseJson(text);
  EXPECT_TRUE(value) << text;
  return value.value_or(Json::Value());
}

Word<int> digit() {
  return {"a digit",
          [](std::string_view text) { return text.size() == 1 ? std::optional(text[0] - '0') : std::nullopt; },
          [](int value) { return std::to_string(value); }};
}

TEST(FieldsTest, ReadsWhatIsThere) {
  const Json::Value document = json(R"({"name": "web", "level": "warn", "workers": 2, "share": 0.5, "on": false,
      "wait": "90s", "tags": ["a", "b"], "ports": [80, 443], "one": "7", "some": ["1", "2"], "labels": {"b": "2", "a": "1"},
      "inner": {"x": "y"}, "rules": [{"x": "1"}, {}], "nothing": null})");
  Problems problems;
  Fields fields(document, "", problems,
                {"name", "level", "workers", "share", "on", "wait", "tags", "ports", "one", "some", "labels", "inner",
                 "rules", "nothing", "absent"});
  EXPECT_EQ(fields.text("name"), "web");
  EXPECT_EQ(fields.oneOf("level", {"info", "warn"}), "warn");
  EXPECT_EQ(fields.integer("workers", 1, 64), 2);
  EXPECT_EQ(fields.number("share", 0, 1), 0.5);
  EXPECT_EQ(fields.boolean("on"), false);
  EXPECT_EQ(fields.duration("wait", 1s, 2min), 90s);
  EXPECT_EQ(fields.texts("tags"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(fields.integers("ports", 1, 65'535), (std::vector<std::int64_t>{80, 443}));
  EXPECT_EQ(fields.word("one", digit()), 7);
  EXPECT_EQ(fields.words("some", digit()), (std::vector<int>{1, 2}));
  EXPECT_EQ(fields.labels("labels"), (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(fields.object("inner", {"x"})->text("x"), "y");
  auto rules = fields.objects("rules", {"x"});
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].text("x"), "1");
  EXPECT_EQ(rules[1].text("x"), std::nullopt);
  EXPECT_EQ(rules[1].pointer(), "/rules/1");
  EXPECT_TRUE(problems.empty()) << text(problems);
}

TEST(FieldsTest, WhatIsAbsentOrNullReadsAsNothing) {
  const Json::Value document = json(R"({"a": null})");
  Problems problems;
  Fields fields(document, "", problems, {"a", "b"});
  for (const char* name : {"a", "b"}) {
    EXPECT_FALSE(fields.has(name));
    EXPECT_FALSE(fields.text(name));
    EXPECT_FALSE(fields.oneOf(name, {"x"}));
    EXPECT_FALSE(fields.integer(name, 1, 2));
    EXPECT_FALSE(fields.number(name, 1, 2));
    EXPECT_FALSE(fields.boolean(name));
    EXPECT_FALSE(fields.duration(name, 1s, 2s));
    EXPECT_TRUE(fields.texts(name).empty());
    EXPECT_TRUE(fields.integers(name, 1, 2).empty());
    EXPECT_FALSE(fields.word(name, digit()));
    EXPECT_TRUE(fields.words(name, digit()).empty());
    EXPECT_FALSE(fields.object(name, {}));
    EXPECT_TRUE(fields.objects(name, {}).empty());
    EXPECT_TRUE(fields.labels(name).empty());
  }
  EXPECT_TRUE(problems.empty()) << text(problems);
}

TEST(FieldsTest, NamesEveryProblemWithItsPlace) {
  const Json::Value document = json(R"({"wrokers": 2, "zzz": 1, "name": 5, "long": "abcdef", "level": "loud",
      "workers": 0, "share": "x", "on": "yes", "wait": "5 s", "tags": ["a", 5], "ports": [80, 0, 80, "x"], "one": "ten",
      "some": ["1", "ten", "1", 4], "labels": {"a": 1}, "inner": [], "rules": [5, {"adress": "x"}]})");
  Problems problems;
  Fields fields(document, "", problems,
                {"name", "long", "level", "workers", "share", "on", "wait", "tags", "ports", "one", "some", "labels",
                 "inner", "rules", "role"});
  fields.text("name");
  fields.text("long", 5);
  fields.oneOf("level", {"info", "warn"});
  fields.integer("workers", 1, 64);
  fields.number("share", 0, 0.5);
  fields.boolean("on");
  fields.duration("wait", 1s, 2min);
  EXPECT_EQ(fields.texts("tags"), std::vector<std::string>{"a"});
  EXPECT_EQ(fields.integers("ports", 1, 65'535), std::vector<std::int64_t>{80});
  fields.word("one", digit());
  EXPECT_EQ(fields.words("some", digit()), std::vector<int>{1});
  fields.labels("labels");
  EXPECT_FALSE(fields.object("inner", {"x"}));
  EXPECT_EQ(fields.objects("rules", {"address", "to"}).size(), 2u);
  fields.require("role");
  const Problems expected{
      {"/wrokers", "unknown member \"wrokers\" (did you mean workers?)"},
      {"/zzz",
       "unknown member \"zzz\"; expected one of name, long, level, workers, share, on, wait, tags, ports, one, some, "
       "labels, inner, rules, role"},
      {"/name", "expected a text, found 5"},
      {"/long", "expected a text of at most 5 bytes, found 6"},
      {"/level", "expected one of info, warn, found \"loud\""},
      {"/workers", "expected a whole number from 1 to 64, found 0"},
      {"/share", "expected a number from 0 to 0.5, found \"x\""},
      {"/on", "expected true or false, found \"yes\""},
      {"/wait", "expected a duration from 1s to 2m, found \"5 s\""},
      {"/tags/1", "expected a text, found 5"},
      {"/ports/1", "expected a whole number from 1 to 65535, found 0"},
      {"/ports/2", "80 stands here a second time"},
      {"/ports/3", "expected a whole number from 1 to 65535, found \"x\""},
      {"/one", "expected a digit, found \"ten\""},
      {"/some/3", "expected a text, found 4"},
      {"/some/1", "expected a digit, found \"ten\""},
      {"/some/2", "\"1\" stands here a second time"},
      {"/labels/a", "expected a text, found 1"},
      {"/inner", "expected an object of x, found a list"},
      {"/rules/0", "expected an object of address, to, found 5"},
      {"/rules/1/adress", "unknown member \"adress\" (did you mean address?)"},
      {"", "the member \"role\" is missing"},
  };
  ASSERT_EQ(problems.size(), expected.size()) << text(problems);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(problems[i].pointer, expected[i].pointer);
    EXPECT_EQ(problems[i].detail, expected[i].detail);
  }
}

TEST(FieldsTest, NoKindPassesForAnother) {
  const Json::Value document =
      json(R"({"true": true, "text": "1", "real": 1.5, "huge": 99999999999999999999, "list": [1], "object": {}})");
  for (const std::string& name : document.getMemberNames()) {
    Problems problems;
    Fields fields(document, "", problems, {"true", "text", "real", "huge", "list", "object"});
    EXPECT_FALSE(fields.integer(name, -100, 100)) << name;
    EXPECT_EQ(problems.size(), 1u) << name;
    EXPECT_FALSE(fields.duration(name, 0s, 1h)) << name;
    EXPECT_EQ(fields.boolean(name).has_value(), name == "true") << name;
    EXPECT_EQ(fields.text(name).has_value(), name == "text") << name;
    EXPECT_EQ(fields.number(name, -100, 100).has_value(), name == "real") << name;
    EXPECT_EQ(fields.object(name, {}).has_value(), name == "object") << name;
    EXPECT_EQ(fields.integers(name, 0, 9).size(), name == "list" ? 1u : 0u) << name;
  }
}

TEST(FieldsTest, DurationsAreAWholeNumberAndAUnitWithinTheirBounds) {
  const auto read = [](const std::string& given) {
    Json::Value document(Json::objectValue);
    document["wait"] = given;
    Problems problems;
    return Fields(document, "", problems, {"wait"}).duration("wait", 1ms, std::chrono::days(365));
  };
  EXPECT_EQ(read("250ms"), 250ms);
  EXPECT_EQ(read("10s"), 10s);
  EXPECT_EQ(read("5m"), 5min);
  EXPECT_EQ(read("8h"), 8h);
  EXPECT_EQ(read("7d"), std::chrono::days(7));
  for (const char* given : {"", "0s", "10", "s", "-1s", "+1s", " 1s", "1s ", "1 s", "1.5s", "1w", "1S", "1sec", "1s1s",
                            "366d", "99999999999999999999d", "9223372036854775807d", "1e3s"}) {
    EXPECT_FALSE(read(given)) << given;
  }
}

TEST(FieldsTest, TheShortestTextOfADurationReadsBack) {
  const std::vector<std::pair<milliseconds, std::string>> cases{
      {0ms, "0s"},  {1ms, "1ms"},  {1000ms, "1s"}, {1500ms, "1500ms"}, {60s, "1m"},
      {90s, "90s"}, {60min, "1h"}, {24h, "1d"},    {36h, "36h"},       {std::chrono::days(8), "8d"}};
  for (const auto& [time, shortest] : cases) {
    EXPECT_EQ(durationText(time), shortest);
    Json::Value document(Json::objectValue);
    document["wait"] = shortest;
    Problems problems;
    EXPECT_EQ(Fields(document, "", problems, {"wait"}).duration("wait", 0ms, std::chrono::days(9)), time) << shortest;
  }
}

TEST(FieldsTest, PointersEscapeWhatRfc6901Escapes) {
  const Json::Value document = json(R"({"a/b": {"c~d": 1}})");
  Problems problems;
  Fields fields(document, "/x", problems, {"a/b"});
  fields.object("a/b", {"e"});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].pointer, "/x/a~1b/c~0d");
}

TEST(FieldsTest, AProblemStandsAtTheMemberOrWhereItIsAbsentAtTheObject) {
  const Json::Value document = json(R"({"a": 1})");
  Problems problems;
  Fields fields(document, "/x", problems, {"a", "b"});
  fields.problem("a", "one");
  fields.problem("b", "two");
  fields.problemBelow("/c/0", "three");
  EXPECT_EQ(text(problems), "/x/a: one; /x: two; /x/c/0: three");
}

TEST(FieldsTest, WhatIsNoObjectReadsAsAnEmptyOneWithOneProblem) {
  for (const char* given : {"[]", "5", "\"x\"", "true"}) {
    const Json::Value document = json(given);
    Problems problems;
    Fields fields(document, "", problems, {"a"});
    fields.require("a");
    EXPECT_FALSE(fields.text("a"));
    EXPECT_EQ(problems.size(), 1u) << text(problems);
  }
  const Json::Value nothing;
  Problems problems;
  Fields fields(nothing, "", problems, {"a"});
  EXPECT_TRUE(problems.empty());
  fields.require("a");
  EXPECT_EQ(text(problems), "the member \"a\" is missing");
}

TEST(FieldsTest, AnObjectIsBrokenByAProblemAtItOrBelowAndByNoOther) {
  const Json::Value document = json(R"({"a": {"b": {"c": 1}}, "ab": {"b": {}}})");
  Problems problems;
  Fields fields(document, "", problems, {"a", "ab"});
  Fields a = *fields.object("a", {"b"});
  Fields ab = *fields.object("ab", {"b"});
  EXPECT_FALSE(fields.isBroken());
  Fields b = *a.object("b", {"c"});
  b.text("c");
  EXPECT_TRUE(b.isBroken());
  EXPECT_TRUE(a.isBroken());
  EXPECT_TRUE(fields.isBroken());
  EXPECT_FALSE(ab.isBroken()) << "its name only starts alike";
  ab.problem("x", "at the object itself");
  EXPECT_TRUE(ab.isBroken());
  EXPECT_EQ(fields.problems(), 2u);
}

TEST(FieldsTest, KnowsWhatStandsInPlaceOfAnObject) {
  const Json::Value document = json(R"([{}, null, 5])");
  Problems problems;
  EXPECT_TRUE(Fields(document[0], "/0", problems, {}).isObject());
  EXPECT_TRUE(Fields(document[1], "/1", problems, {}).isObject());
  EXPECT_FALSE(Fields(document[2], "/2", problems, {}).isObject());
  EXPECT_EQ(text(problems), "/2: expected an object, found 5");
}

TEST(FieldsTest, WhereNothingIsKnownEveryMemberIsUnknown) {
  const Json::Value document = json(R"({"a": 1})");
  Problems problems;
  Fields fields(document, "", problems, {});
  EXPECT_EQ(text(problems), "/a: unknown member \"a\"; none is known here");
}

TEST(FieldsTest, ListsAndLabelsBeyondTheirBoundAreOneProblem) {
  const Json::Value document = json(R"({"list": ["a", "b", "c"], "labels": {"a": "1", "b": "2"}})");
  Problems problems;
  Fields fields(document, "", problems, {"list", "labels"});
  EXPECT_TRUE(fields.texts("list", 2).empty());
  EXPECT_TRUE(fields.objects("list", {}, 2).empty());
  EXPECT_TRUE(fields.labels("labels", 1).empty());
  EXPECT_EQ(text(problems),
            "/list: expected at most 2 items, found 3; /list: expected at most 2 items, found 3; "
            "/labels: expected at most 1 members, found 2");
}

TEST(FieldsTest, ProblemsAreBoundedAndItIsSaid) {
  Json::Value document(Json::objectValue);
  for (int i = 0; i < 10'000; ++i) document["x" + std::to_string(i)] = i;
  Problems problems;
  Fields fields(document, "", problems, {"a"});
  ASSERT_EQ(problems.size(), Fields::kMostProblems + 1);
  EXPECT_EQ(problems.back().detail, "and more than these 100 problems");
}

TEST(FieldsTest, MessagesAreSafeForATerminal) {
  const Json::Value document = json(R"({"\u001b[2J": 1, "a": "\u001b[31m"})");
  Problems problems;
  Fields fields(document, "", problems, {"a"});
  fields.oneOf("a", {"x"});
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(text(problems).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace loam
