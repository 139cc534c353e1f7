#include "proxy/filters/form.h"

#include <gtest/gtest.h>

#include "proxy/filters/words.h"
#include "settings_table.h"

namespace loam::filters {
namespace {

using namespace std::chrono_literals;

struct Part {
  std::string name;
  std::uint32_t weight = 1;

  void describe(Form& form) {
    form.word("name", name, ruleName());
    form.integer("weight", weight, 0, 10);
    form.require("name");
  }
};

struct Whole {
  bool on = true;
  double share = 0.25;
  std::optional<std::uint32_t> most;
  std::vector<std::uint16_t> ports;
  milliseconds wait = 10s;
  std::optional<milliseconds> limit;
  std::vector<std::string> methods{"GET"};
  std::map<std::string, std::string> labels;
  Part always;
  std::optional<Part> maybe;
  std::vector<Part> parts;

  void describe(Form& form) {
    form.boolean("on", on);
    form.number("share", share, 0, 1);
    form.integer("most", most, 1, 9);
    form.integers("ports", ports, 1, 65'535, 3);
    form.duration("wait", wait, 1ms, 1h);
    form.duration("limit", limit, 1ms, 1h);
    form.words("methods", methods, method(), 3, true);
    form.map("labels", labels, label(), label(), 2);
    form.object("always", always);
    form.object("maybe", maybe);
    form.objects("parts", parts, 3);
    form.requireInUse("labels");
    form.distinct("parts", parts, "name", &Part::name);
    form.check(!limit || *limit <= wait, {"limit", "wait"}, "limit is above wait");
    form.check(share < 1 || on, {}, "all of nothing");
    form.checkInUse(most.has_value() || on, {"most", "on"}, "no effect");
  }
};

constexpr std::string_view kFull = R"({"on": false, "share": 0.5, "most": 3, "ports": [443, 80], "wait": "60000ms",
    "limit": "60s", "methods": ["POST", "GET"], "labels": {"version": "v2"}, "always": {"name": "a"},
    "maybe": {"name": "b", "weight": 0}, "parts": [{"name": "c"}, {"name": "d"}]})";

TEST(FormTest, ReadsEveryKindOfMember) {
  const auto whole = good<Whole>(kFull);
  EXPECT_FALSE(whole.on);
  EXPECT_EQ(whole.share, 0.5);
  EXPECT_EQ(whole.most, 3u);
  EXPECT_EQ(whole.ports, (std::vector<std::uint16_t>{80, 443}));
  EXPECT_EQ(whole.wait, 1min);
  EXPECT_EQ(whole.limit, 1min);
  EXPECT_EQ(whole.methods, (std::vector<std::string>{"GET", "POST"}));
  EXPECT_EQ(whole.labels.at("version"), "v2");
  EXPECT_EQ(whole.always.name, "a");
  ASSERT_TRUE(whole.maybe);
  EXPECT_EQ(whole.maybe->weight, 0u);
  ASSERT_EQ(whole.parts.size(), 2u);
  EXPECT_EQ(whole.parts[1].name, "d");
}

TEST(FormTest, WhatIsNotGivenKeepsItsDefault) {
  const auto whole = good<Whole>(R"({"labels": {"a": "b"}})");
  EXPECT_TRUE(whole.on);
  EXPECT_EQ(whole.share, 0.25);
  EXPECT_FALSE(whole.most);
  EXPECT_EQ(whole.wait, 10s);
  EXPECT_EQ(whole.methods, std::vector<std::string>{"GET"});
  EXPECT_FALSE(whole.maybe);
}

TEST(FormTest, TheCanonicalFormIsWhatWasGivenSortedAndShortened) {
  std::vector<FieldProblem> problems;
  const Json::Value once = canonical<Whole>(settingsJson(kFull), problems);
  EXPECT_EQ(writeJson(once),
            R"({"always":{"name":"a"},"labels":{"version":"v2"},"limit":"1m","maybe":{"name":"b","weight":0},)"
            R"("methods":["GET","POST"],"most":3,"on":false,"parts":[{"name":"c"},{"name":"d"}],"ports":[80,443],)"
            R"("share":0.5,"wait":"1m"})");
  EXPECT_EQ(writeJson(canonical<Whole>(once, problems)), writeJson(once));
  EXPECT_TRUE(problems.empty()) << text(problems);
}

TEST(FormTest, WritesEveryValueDefaultsIncludedAndReadsItBack) {
  const Json::Value all =
      write(good<Whole>(R"({"labels": {"a": "b"}, "always": {"name": "x"}, "parts": [{"name": "p"}]})"));
  EXPECT_EQ(writeJson(all), R"({"always":{"name":"x","weight":1},"labels":{"a":"b"},"methods":["GET"],"on":true,)"
                            R"("parts":[{"name":"p","weight":1}],"share":0.25,"wait":"10s"})");
  EXPECT_EQ(writeJson(write(good<Whole>(writeJson(all)))), writeJson(all));
}

TEST(FormTest, NamesEveryProblemWithItsPlace) {
  expectProblems<Whole>({
      {R"({"labels": {"a": "b"}, "shar": 1})", {{"/shar", "did you mean share?"}}},
      {R"({})", {{"", "\"labels\" is missing"}}},
      {R"({"labels": {"a": "b"}, "parts": [{"name": "a"}, {}, {"name": "a", "weigth": 1}]})",
       {{"/parts/2/weigth", "did you mean weight?"},
        {"/parts/1", "\"name\" is missing"},
        {"/parts/2/name", "\"a\" is the name of item 0 already"}}},
      {R"({"labels": {"a": "b"}, "maybe": 5})", {{"/maybe", "expected an object of name, weight, found 5"}}},
      {R"({"labels": {"a": "b"}, "maybe": {}})", {{"/maybe", "\"name\" is missing"}}},
      {R"({"labels": {}})", {{"/labels", "at least one"}}},
      {R"({"labels": {"": "b"}})", {{"/labels/", "expected a label"}}},
      {R"({"labels": {"a": ""}})", {{"/labels/a", "expected a label"}}},
      {R"({"labels": {"a": "b"}, "ports": []})", {{"/ports", "at least one"}}},
      {R"({"labels": {"a": "b"}, "on": 1, "share": 2, "most": 0, "wait": "2h", "methods": ["a b"]})",
       {{"/on", "true or false"},
        {"/share", "from 0 to 1"},
        {"/most", "from 1 to 9"},
        {"/wait", "from 1ms to 1h"},
        {"/methods/0", "a method like GET"}}},
  });
}

TEST(FormTest, AContradictionStandsAtTheFirstOfItsMembersThatWasGiven) {
  expectProblems<Whole>({
      {R"({"labels": {"a": "b"}, "limit": "11s"})", {{"/limit", "limit is above wait"}}},
      {R"({"labels": {"a": "b"}, "limit": "5s", "wait": "1s"})", {{"/limit", "limit is above wait"}}},
      {R"({"labels": {"a": "b"}, "on": false})", {{"/on", "no effect"}}},
      {R"({"labels": {"a": "b"}, "on": false, "most": 1, "share": 1})", {{"", "all of nothing"}}},
  });
}

TEST(FormTest, NothingIsHeldAgainstAMemberThatIsWrongByItself) {
  expectProblems<Whole>({
      {R"({"labels": {"a": "b"}, "limit": "11s", "wait": 5})", {{"/wait", "a duration"}}},
      {R"({"labels": {"a": "b"}, "on": false, "most": "x", "share": 1})", {{"/most", "a whole number"}}},
  });
}

/// Two lists and a check on each, to see what silences what.
struct Pair {
  std::vector<Part> left;
  std::string right;

  void describe(Form& form) {
    form.objects("left", left, 3);
    form.word("right", right, ruleName());
    form.require("right");
    for (std::size_t i = 0; i < left.size(); ++i) {
      form.check(left[i].weight > 0, {"left/" + std::to_string(i)}, "weighs nothing");
    }
    form.check(right == "r", {"right"}, "is not r");
    form.check(left.size() < 2, {}, "too much on the left");
  }
};

TEST(FormTest, WhatIsMissingIsSaidOnceAndHeldAgainstNothingElse) {
  expectProblems<Pair>({
      {R"({})", {{"", "\"right\" is missing"}}},
      {R"({"left": [{"name": "a"}, {"name": "b"}]})", {{"", "\"right\" is missing"}, {"", "too much on the left"}}},
      {R"({"right": "x"})", {{"/right", "is not r"}}},
      {R"([])", {{"", "expected an object of left, right, found a list"}}},
  });
}

TEST(FormTest, AnItemThatIsWrongByItselfSilencesOnlyWhatIsSaidOfIt) {
  expectProblems<Pair>({
      {R"({"right": "r", "left": [{"name": "A", "weight": 0}]})", {{"/left/0/name", "a name of"}}},
      {R"({"right": "r", "left": [{"name": "a", "weight": 0}]})", {{"/left/0", "weighs nothing"}}},
      {R"({"right": "x", "left": [{"name": "A", "weight": 0}, {"name": "b", "weight": 0}, 5]})",
       {{"/left/2", "expected an object of name, weight, found 5"},
        {"/left/0/name", "a name of"},
        {"/left/1", "weighs nothing"},
        {"/right", "is not r"}}},
      {R"({"right": "r", "left": [{}, {}, {}, {}]})", {{"/left", "expected at most 3 items, found 4"}}},
  });
}

TEST(FormTest, WhatIsOnlyKeptMayLackWhatUseDemands) {
  EXPECT_FALSE(good<Whole>(R"({"on": false})", Purpose::Keep).on);
  std::vector<FieldProblem> problems;
  read<Whole>(settingsJson(R"({"limit": "11s"})"), problems, Purpose::Keep);
  EXPECT_EQ(text(problems), "/limit: limit is above wait");
}

TEST(FormTest, ListsEveryMemberWithKindAndDefault) {
  const std::vector<Setting> all = outline<Whole>();
  const auto standardOf = [&](std::string_view path) {
    for (const Setting& setting : all) {
      if (setting.path == path) return setting.kind + " | " + setting.standard;
    }
    return std::string("not listed");
  };
  EXPECT_EQ(all.size(), 17u);
  EXPECT_EQ(standardOf("on"), "true or false | true");
  EXPECT_EQ(standardOf("most"), "a whole number from 1 to 9 | ");
  EXPECT_EQ(standardOf("wait"), "a duration from 1ms to 1h | \"10s\"");
  EXPECT_EQ(standardOf("methods"), "a list of at most 3: a method like GET | [\"GET\"]");
  EXPECT_EQ(standardOf("labels"),
            "an object of at most 2: a label of 1 to 63 bytes and a label of 1 to 63 bytes | required in use");
  EXPECT_EQ(standardOf("maybe"), "an object | ");
  EXPECT_EQ(standardOf("maybe.weight"), "a whole number from 0 to 10 | 1");
  EXPECT_EQ(standardOf("parts[]"), "a list of at most 3 objects | ");
  EXPECT_EQ(standardOf("parts[].name"), "a name of a-z, 0-9, '-', '_' and '.', at most 63 bytes | required");
}

}  // namespace
}  // namespace loam::filters
