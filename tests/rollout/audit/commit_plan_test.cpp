#include "rollout/audit/commit_plan.h"

#include <gtest/gtest.h>

#include <limits>

#include "proxy/base/json.h"
#include "rollout/audit/chain.h"
#include "tests/rollout/audit/sample_events.h"

namespace loam::audit {
namespace {

using Current = std::vector<std::optional<Document>>;

const Head kHead{41, 7, std::string(64, 'a')};

Json::Value body(const char* text) { return *parseJson(text); }

std::string problems(const std::vector<Edit>& edits, const std::optional<Act>& act = {}) {
  const auto checked = checkEdits(edits, act);
  return checked ? "none" : checked.error().describe();
}

Json::Value nested(int depth) {
  Json::Value value(Json::objectValue);
  for (int i = 1; i < depth; ++i) {
    Json::Value outer(Json::objectValue);
    outer["in"] = value;
    value = outer;
  }
  return value;
}

TEST(CommitPlanTest, NamesEveryProblemOfACommit) {
  Act nobody;
  nobody.reason = "\xff";
  EXPECT_EQ(problems({{"", "k", {}, body("{}")}, {"flag", "a", {}, {}}, {"flag", "a", {}, Json::Value()}}, nobody),
            "invalid_argument: the act says not who; the act has no verb; the act's reason is no UTF-8 text; "
            "document  k has no kind; document flag a is edited twice; document flag a's body is null");
}

TEST(CommitPlanTest, RefusesWhatAStoreCouldNotGiveBack) {
  const auto flag = [](Json::Value value) { return std::vector<Edit>{{"flag", "a", {}, std::move(value)}}; };
  EXPECT_EQ(problems(flag(body(R"({"a":[1,2.5,"\u0000\u2028",null]})"))), "none");
  EXPECT_EQ(problems(flag(nested(kMostBodyDepth))), "none");
  EXPECT_NE(problems(flag(nested(kMostBodyDepth + 1))), "none");
  EXPECT_NE(problems(flag(Json::Value("\xed\xa0\x80"))), "none");
  EXPECT_NE(problems(flag(Json::Value(std::numeric_limits<double>::infinity()))), "none");
  EXPECT_NE(problems({{"flag", std::string("a\0b", 3), {}, body("{}")}}), "none");
  EXPECT_NE(problems({{"flag", "\xc0\xaf", {}, body("{}")}}), "none");
}

TEST(CommitPlanTest, MakesBodiesWhatTheyWillBeWhenRead) {
  Json::Value loose(Json::objectValue);
  loose["n"] = 1u;
  loose["x"] = 0.1 + 0.2;
  const std::vector<Edit> edits{{"flag", "a", {}, loose}};
  const auto checked = checkEdits(edits, std::nullopt);
  ASSERT_TRUE(checked);
  EXPECT_EQ(*checked->front().body, body(R"({"n":1,"x":0.3})"));
}

TEST(CommitPlanTest, OneRevisionForAllEditsAndOneEventForEach) {
  const std::vector<Edit> edits{
      {"flag", "a", 0, body(R"({"x":1})")}, {"flag", "b", 5, body(R"({"x":2})")}, {"flag", "c", {}, {}}};
  const Current current{std::nullopt, Document{"flag", "b", 5, body(R"({"x":1})")},
                        Document{"flag", "c", 9, body(R"({"x":1})")}};
  const CommitPlan plan = planCommit(kHead, edits, current, actOf("flag.set"), 1234);
  EXPECT_TRUE(plan.stale.empty());
  ASSERT_EQ(plan.written.size(), 2u);
  EXPECT_EQ(plan.written[0], (Document{"flag", "a", 42, body(R"({"x":1})")}));
  EXPECT_EQ(plan.written[1], (Document{"flag", "b", 42, body(R"({"x":2})")}));
  ASSERT_EQ(plan.removed.size(), 1u);
  EXPECT_EQ(plan.removed[0], (std::pair<std::string, std::string>("flag", "c")));
  ASSERT_EQ(plan.events.size(), 3u);
  Chain chain(kHead.sequence, kHead.hash);
  for (const Event& event : plan.events) {
    EXPECT_TRUE(chain.follow(event));
    EXPECT_EQ(event.at, 1234);
    EXPECT_EQ(event.act, actOf("flag.set"));
  }
  EXPECT_EQ(plan.events[0].fromRevision, 0u);
  EXPECT_EQ(plan.events[0].toRevision, 42u);
  EXPECT_EQ(plan.events[1].fromRevision, 5u);
  EXPECT_EQ(plan.events[2].toRevision, 0u);
  EXPECT_EQ(plan.head, (Head{42, 10, chain.hash()}));
}

TEST(CommitPlanTest, NamesEveryStaleEditAndWritesNothing) {
  const std::vector<Edit> edits{
      {"flag", "a", 0, body("{}")}, {"flag", "b", 4, body("{}")}, {"flag", "c", 3, {}}, {"flag", "d", 0, body("{}")}};
  const Current current{Document{"flag", "a", 8, body("{}")}, Document{"flag", "b", 5, body("{}")}, std::nullopt,
                        std::nullopt};
  const CommitPlan plan = planCommit(kHead, edits, current, actOf("flag.set"), 0);
  ASSERT_EQ(plan.stale.size(), 3u);
  EXPECT_EQ(plan.stale[0].current, 8u);
  EXPECT_EQ(plan.stale[1].expected, 4u);
  EXPECT_EQ(plan.stale[1].current, 5u);
  EXPECT_EQ(plan.stale[2].key, "c");
  EXPECT_EQ(plan.stale[2].current, 0u);
  EXPECT_TRUE(plan.written.empty() && plan.removed.empty() && plan.events.empty());
  EXPECT_EQ(plan.head, kHead);
}

TEST(CommitPlanTest, WhatChangesNothingIsNotWritten) {
  const std::vector<Edit> edits{{"flag", "a", 8, body(R"({"x":1})")}, {"flag", "b", {}, {}}};
  const Current current{Document{"flag", "a", 8, body(R"({"x":1})")}, std::nullopt};
  const CommitPlan plan = planCommit(kHead, edits, current, actOf("flag.set"), 0);
  EXPECT_TRUE(plan.stale.empty() && plan.written.empty() && plan.removed.empty() && plan.events.empty());
  EXPECT_EQ(plan.head, kHead);
}

TEST(CommitPlanTest, WithoutAnActThereIsNoEvent) {
  const std::vector<Edit> edits{{"proxy", "a", {}, body(R"({"seen":1})")}};
  const CommitPlan plan = planCommit(kHead, edits, Current{std::nullopt}, std::nullopt, 0);
  EXPECT_EQ(plan.written.size(), 1u);
  EXPECT_TRUE(plan.events.empty());
  EXPECT_EQ(plan.head, (Head{42, 7, kHead.hash}));
}

}  // namespace
}  // namespace loam::audit
