#include "rollout/audit/json_patch.h"

#include <gtest/gtest.h>

#include <random>

#include "proxy/base/json.h"
#include "tests/rollout/audit/apply_patch.h"

namespace loam::audit {
namespace {

std::string diff(const char* before, const char* after) {
  return writeJson(diffJson(*parseJson(before), *parseJson(after)));
}

TEST(JsonPatchTest, SaysNothingAboutEqualDocuments) {
  EXPECT_EQ(diff("null", "null"), "[]");
  EXPECT_EQ(diff("{}", "{}"), "[]");
  EXPECT_EQ(diff(R"({"a":{"b":[1,2.5,"x"]},"c":null})", R"({"c":null,"a":{"b":[1,2.5,"x"]}})"), "[]");
}

TEST(JsonPatchTest, TakesNumbersForWhatIsWritten) {
  EXPECT_EQ(writeJson(diffJson(Json::Value(1), Json::Value(1u))), "[]");
  EXPECT_NE(diff("1", "1.0"), "[]");
}

TEST(JsonPatchTest, MakesAndTakesAwayAWholeDocument) {
  EXPECT_EQ(diff("null", R"({"a":1})"), R"([{"op":"add","path":"","value":{"a":1}}])");
  EXPECT_EQ(diff(R"({"a":1})", "null"), R"([{"op":"test","path":"","value":{"a":1}},{"op":"remove","path":""}])");
  EXPECT_EQ(diff(R"({"a":1})", "[2]"),
            R"([{"op":"test","path":"","value":{"a":1}},{"op":"replace","path":"","value":[2]}])");
}

TEST(JsonPatchTest, ComparesMemberByMemberInTheOrderOfNames) {
  EXPECT_EQ(diff(R"({"gone":1,"kept":2,"moved":{"x":1,"y":2}})", R"({"kept":2,"moved":{"x":1,"y":3},"born":null})"),
            R"([{"op":"add","path":"/born","value":null},)"
            R"({"op":"test","path":"/gone","value":1},{"op":"remove","path":"/gone"},)"
            R"({"op":"test","path":"/moved/y","value":2},{"op":"replace","path":"/moved/y","value":3}])");
}

TEST(JsonPatchTest, ComparesArraysAsAWhole) {
  EXPECT_EQ(diff(R"({"a":[1,2]})", R"({"a":[1,3]})"),
            R"([{"op":"test","path":"/a","value":[1,2]},{"op":"replace","path":"/a","value":[1,3]}])");
}

TEST(JsonPatchTest, EscapesNamesOfMembers) {
  EXPECT_EQ(diff("{}", R"({"a/b~c":{"":1}})"), R"([{"op":"add","path":"/a~1b~0c","value":{"":1}}])");
  EXPECT_EQ(diff(R"({"":{"~1":1}})", R"({"":{}})"),
            R"([{"op":"test","path":"//~01","value":1},{"op":"remove","path":"//~01"}])");
}

Json::Value randomValue(std::mt19937& random, int depth) {
  const auto below = [&random](unsigned bound) { return static_cast<int>(random() % bound); };
  static const char* const kNames[] = {"", "a", "b", "a/b", "~", "~1", "long name", "\x01\"\\"};
  switch (below(depth == 0 ? 5 : 8)) {
    case 0:
      return Json::Value();
    case 1:
      return below(2) == 0;
    case 2:
      return below(3);
    case 3:
      return below(3) / 2.0;
    case 4:
      return kNames[below(8)];
    case 5: {
      Json::Value array(Json::arrayValue);
      for (int i = below(3); i > 0; --i) array.append(randomValue(random, depth - 1));
      return array;
    }
    default: {
      Json::Value object(Json::objectValue);
      for (int i = below(6); i > 0; --i) object[kNames[below(8)]] = randomValue(random, depth - 1);
      return object;
    }
  }
}

TEST(JsonPatchTest, LeadsFromAnyDocumentToAnyOther) {
  std::mt19937 random(6902);
  int nonTrivial = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Json::Value before = randomValue(random, 3);
    const Json::Value after = randomValue(random, 3);
    const Json::Value patch = diffJson(before, after);
    const auto applied = applyPatch(before, patch);
    ASSERT_TRUE(applied) << writeJson(before) << " " << writeJson(after) << " " << writeJson(patch);
    ASSERT_EQ(writeJson(*applied), writeJson(after)) << writeJson(before) << " " << writeJson(patch);
    // Its tests refuse a document that has something else where it changes something.
    if (patch.empty() || patch[0]["op"] != "test") continue;
    ++nonTrivial;
    ASSERT_FALSE(applyPatch(after, patch)) << writeJson(after) << " " << writeJson(patch);
  }
  EXPECT_GT(nonTrivial, 1000);
}

TEST(JsonPatchTest, APatchIsTakenBack) {
  const char* kTexts[] = {"{}", R"({"a":1})", R"({"a":{"b":[1,2],"c":null},"d/e~f":"x"})", R"({"a":{"b":[2]},"g":{}})",
                          "null"};
  for (const char* before : kTexts) {
    for (const char* after : kTexts) {
      const Json::Value from = *parseJson(before);
      const Json::Value to = *parseJson(after);
      const auto back = undoPatch(to, diffJson(from, to));
      ASSERT_TRUE(back) << before << " " << after;
      EXPECT_EQ(writeJson(*back), writeJson(from)) << before << " " << after;
    }
  }
  EXPECT_FALSE(undoPatch(*parseJson("{}"), Json::Value()));
  EXPECT_FALSE(undoPatch(*parseJson("{}"), *parseJson(R"([{"op":"replace","path":"/a","value":1}])")));
  EXPECT_FALSE(undoPatch(*parseJson("{}"), *parseJson(R"([{"op":"add","path":"/a/b","value":1}])")));
}

}  // namespace
}  // namespace loam::audit
