#include <gtest/gtest.h>

#include "tests/rollout/api/api_fixture.h"

namespace loam {
namespace {

/// What is wanted of the whole mesh as one document, for who keeps it in files.
class StateApiTest : public ControllerFixture {
 protected:
  static Json::Value bodyOf(const http::Response& response) { return parseJson(response.body).value_or(Json::Value()); }
  http::Response import(const std::string& members, const char* query = "") const {
    return post("/v1/import" + std::string(query), R"({"reason":"a test",)" + members + "}");
  }
  /// Without when it was read.
  static Json::Value state(Json::Value exported) {
    for (const char* name : {"revision", "at"}) exported.removeMember(name);
    return exported;
  }
};

constexpr const char* kShop =
    R"("flags":{"cart":{"serve":{"stage":"on"},"timeouts":{"stage":"on","percent":25,"settings":{"request":"5s"}}},
        "*":{"observe":{"stage":"sampled","percent":"12.5","exclude":["noisy"]}}},
       "services":{"cart":{"owner":"team-a","tags":["b","a"],"captured":false}},
       "freezes":[{"service":"db","until":"2100-01-01T00:00:00Z","reason":"audit"}])";

TEST_F(StateApiTest, AnEmptyMeshHasNothingToSay) {
  const Json::Value exported = json("/v1/export");
  EXPECT_TRUE(exported["flags"].empty());
  EXPECT_TRUE(exported["services"].empty());
  EXPECT_TRUE(exported["freezes"].empty());
  EXPECT_NE(get("/v1/export").header("etag"), "");
}

TEST_F(StateApiTest, WhatIsImportedIsExportedAgainAndDoesNothingTheSecondTime) {
  const auto dry = import(kShop, "?dry_run=true");
  ASSERT_EQ(dry.status, 200) << dry.body;
  EXPECT_TRUE(bodyOf(dry)["changed"].asBool());
  EXPECT_TRUE(bodyOf(dry)["applies"].asBool()) << dry.body;
  EXPECT_EQ(bodyOf(dry)["diff"].size(), 5u);
  EXPECT_EQ(bodyOf(dry)["warnings"].size(), 1u);  // nobody has seen cart yet
  EXPECT_TRUE(json("/v1/export")["flags"].empty());
  const auto done = import(kShop);
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_TRUE(bodyOf(done)["changed"].asBool());
  const Json::Value exported = json("/v1/export");
  EXPECT_EQ(exported["flags"]["cart"]["timeouts"]["percent"], "25");
  EXPECT_EQ(exported["services"]["cart"]["tags"][0], "a");
  EXPECT_EQ(exported["freezes"][0]["until"], "2100-01-01T00:00:00Z");
  const auto again = import(kShop);
  EXPECT_FALSE(bodyOf(again)["changed"].asBool()) << again.body;
  EXPECT_EQ(json("/v1/export")["revision"], exported["revision"]);
  Json::Value back = exported;
  back["reason"] = "as it was exported";
  EXPECT_FALSE(bodyOf(post("/v1/import", writeJson(back)))["changed"].asBool());
}

TEST_F(StateApiTest, OnlyOneCommitOrNothing) {
  ASSERT_EQ(import(kShop).status, 200);
  const Json::Value events = json("/v1/audit?most=1000")["events"];
  for (const Json::Value& event : events) EXPECT_EQ(event["to_revision"], events[0]["to_revision"]);
  const auto half = import(R"("flags":{"cart":{"serve":{"stage":"off"},"routing":{"stage":"onn"}}})");
  EXPECT_EQ(half.status, 422);
  EXPECT_EQ(json("/v1/services/cart/features/serve")["stage"], "on");
}

TEST_F(StateApiTest, PruneTakesBackWhatIsNotNamedAndNothingElseDoes) {
  ASSERT_EQ(import(kShop).status, 200);
  EXPECT_FALSE(bodyOf(import(R"("flags":{})"))["changed"].asBool());
  const auto pruned = import(R"("prune":true,"flags":{"cart":{"serve":{"stage":"on"}}})");
  ASSERT_EQ(pruned.status, 200) << pruned.body;
  const Json::Value exported = json("/v1/export");
  EXPECT_EQ(writeJson(exported["flags"]), R"({"cart":{"serve":{"stage":"on"}}})");
  EXPECT_TRUE(exported["services"].empty());
  EXPECT_TRUE(exported["freezes"].empty());
  EXPECT_EQ(json("/v1/services/x/features/observe")["stage"], "on");
}

TEST_F(StateApiTest, EveryProblemIsNamedAtOnceWithItsPointer) {
  const auto wrong = import(
      R"("flags":{"cart":{"serve":{"stgae":"on"},"observe":{"stage":"sampled","percent":200}},"db":5},
         "services":{"cart":{"captured":"no"}},"freezes":[{"service":"db"}])",
      "?dry_run=true");
  ASSERT_EQ(wrong.status, 400) << wrong.body;
  std::set<std::string> pointers;
  const Json::Value problem = bodyOf(wrong);
  for (const Json::Value& error : problem["errors"]) pointers.insert(error["pointer"].asString());
  for (const char* pointer : {"/flags/cart/serve/stgae", "/flags/cart/serve", "/flags/cart/observe/percent",
                              "/flags/db", "/services/cart/captured", "/freezes/0"}) {
    EXPECT_TRUE(pointers.contains(pointer)) << pointer << " in " << wrong.body;
  }
  EXPECT_NE(wrong.body.find("did you mean stage?"), std::string::npos) << wrong.body;
}

TEST_F(StateApiTest, NeedsAreJudgedAsAWhole) {
  const std::string timeouts = R"("timeouts":{"stage":"on","settings":{"request":"5s"}})";
  const auto alone = import(R"("flags":{"cart":{)" + timeouts + "}}");
  EXPECT_EQ(alone.status, 422);
  EXPECT_EQ(bodyOf(alone)["code"], "not_ready");
  EXPECT_EQ(bodyOf(alone)["errors"][0]["pointer"], "/flags/cart/timeouts");
  EXPECT_EQ(import(R"("flags":{"cart":{"serve":{"stage":"on"},)" + timeouts + "}}").status, 200);
}

TEST_F(StateApiTest, E6_WhatMovedSinceItWasSeenIsRefusedWithTheDifference) {
  const Json::Value seen = bodyOf(import(R"("flags":{"cart":{"serve":{"stage":"simulate"}}})", "?dry_run=true"));
  ASSERT_EQ(import(R"("flags":{"cart":{"serve":{"stage":"on"}}})").status, 200);
  const std::string hash = seen["hash"].asString();
  const auto stale = import(R"("hash":")" + hash + R"(","flags":{"cart":{"serve":{"stage":"simulate"}}})");
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(bodyOf(stale)["import"]["diff"][0]["fields"][0]["from"], "on") << stale.body;
  EXPECT_EQ(json("/v1/services/cart/features/serve")["stage"], "on");
}

TEST_F(StateApiTest, AScopedTokenImportsWhatStaysWithinItAndIsToldWhatDoesNot) {
  const std::string cart = secretOf("ci-cart", "operator", R"(,"services":["cart"])");
  const auto importAs = [this](const std::string& token, const std::string& members, const char* query = "") {
    return postAs(token, "/v1/import" + std::string(query), R"({"reason":"a test",)" + members + "}");
  };
  for (const char* query : {"", "?dry_run=true"}) {
    const auto refused = importAs(cart, kShop, query);
    ASSERT_EQ(refused.status, 403) << refused.body;
    const Json::Value problem = bodyOf(refused);
    EXPECT_EQ(problem["code"], "out_of_scope");
    EXPECT_EQ(writeJson(problem["cells"]), R"([{"feature":"observe","service":"*"},{"feature":"","service":"db"}])");
    EXPECT_NE(problem["detail"].asString().find("db/every feature"), std::string::npos) << refused.body;
  }
  EXPECT_TRUE(json("/v1/export")["flags"].empty());
  const std::string own = R"("flags":{"cart":{"serve":{"stage":"on"}}},"services":{"cart":{"owner":"team-a"}},)"
                          R"("freezes":[{"service":"cart","feature":"mtls","reason":"sale"}])";
  EXPECT_EQ(importAs(cart, own, "?dry_run=true").status, 200);
  EXPECT_EQ(importAs(cart, own).status, 200);
  EXPECT_EQ(json("/v1/services/cart/features/serve")["stage"], "on");
}

TEST_F(StateApiTest, AScopedTokenImportsAWholeFileOfWhichOnlyItsPartDiffers) {
  ASSERT_EQ(import(kShop).status, 200);
  const std::string cart = secretOf("ci-cart", "operator", R"(,"services":["cart"])");
  Json::Value file = json("/v1/export");
  file["reason"] = "a test";
  file["flags"]["cart"]["timeouts"]["percent"] = "50";
  const auto done = postAs(cart, "/v1/import", writeJson(file));
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(json("/v1/services/cart/features/timeouts")["percent"], "50");
  // What is to go is touched as well.
  file["prune"] = true;
  file["freezes"] = Json::Value(Json::arrayValue);
  const auto pruned = postAs(cart, "/v1/import", writeJson(file));
  ASSERT_EQ(pruned.status, 403) << pruned.body;
  EXPECT_EQ(writeJson(bodyOf(pruned)["cells"]), R"([{"feature":"","service":"db"}])");
  EXPECT_EQ(json("/v1/export")["freezes"].size(), 1u);
}

TEST_F(StateApiTest, ATokenOfOneFeatureImportsThatOfEveryServiceAndNoSettings) {
  const std::string serve = secretOf("ci-serve", "operator", R"(,"features":["serve"])");
  const auto flags = postAs(
      serve, "/v1/import", R"({"reason":"x","flags":{"cart":{"serve":{"stage":"on"}},"db":{"serve":{"stage":"on"}}}})");
  EXPECT_EQ(flags.status, 200) << flags.body;
  EXPECT_EQ(postAs(serve, "/v1/import", R"({"reason":"x","services":{"cart":{"owner":"me"}}})").status, 403);
  EXPECT_EQ(postAs(serve, "/v1/import",
                   R"({"reason":"x","flags":{"cart":{"serve":{"stage":"off"},)"
                   R"("timeouts":{"stage":"simulate","settings":{"request":"5s"}}}}})")
                .status,
            403);
  EXPECT_EQ(json("/v1/services/cart/features/serve")["stage"], "on") << "all or nothing";
}

TEST_F(StateApiTest, AFreezeForbidsWhatRisesAndNothingElse) {
  ASSERT_EQ(post("/v1/freezes", R"({"reason":"sale"})").status, 201);
  EXPECT_EQ(import(R"("flags":{"cart":{"serve":{"stage":"on"}}})").status, 422);
  EXPECT_EQ(import(R"("flags":{"cart":{"observe":{"stage":"off"}}})").status, 200);
}

}  // namespace
}  // namespace loam
