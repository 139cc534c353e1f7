#include "tests/rollout/api/api_fixture.h"

namespace loam {
namespace {

/// frontend (10.0.0.1) calls checkout.shop (10.0.0.2:80), beside which the proxy web-1 stands.
class ExplainApiTest : public ControllerFixture {
 protected:
  void SetUp() override {
    ControllerFixture::SetUp();
    auto seen = report(1);
    seen.edges[0].vantage = "inbound";
    ASSERT_EQ(post("/v1/reports", wire::encode(seen)).status, 200);
    stop();
    start();  // the topology is read at the start, and then only now and then
    for (int i = 0; i < 500 && get(kQuestion).status == 404; ++i) std::this_thread::sleep_for(milliseconds(10));
  }
  void setPolicy(const std::string& stage, const std::string& more) {
    const auto made = post("/v1/changes", R"({"reason":"CHG-7","edits":[{"service":"checkout.shop","feature":"policy",)"
                                          R"("stage":")" +
                                              stage + "\"" + more + "}]}");
    ASSERT_EQ(made.status, 201) << made.body;
    const Json::Value change = *parseJson(made.body);
    const auto applied = post("/v1/changes/" + change["id"].asString() + "/apply",
                              R"({"reason":"CHG-7","hash":")" + change["hash"].asString() + "\"}");
    ASSERT_EQ(applied.status, 200) << applied.body;
  }
  /// The proxy asks for its snapshot once, as one that can do all of this.
  void ask() {
    wire::Watch watch;
    watch.proxy = "web-1";
    watch.version = "x";
    watch.capabilities = {"policy.enforce", "policy.simulate"};
    ASSERT_EQ(post("/v1/watch", wire::encode(watch)).status, 200);
  }

  static constexpr const char* kQuestion = "/v1/explain?client=frontend&destination=checkout.shop:80";
};

TEST_F(ExplainApiTest, NamesCauseRuleFlagSnapshotAndWhatOneStageEarlierWouldDo) {
  setPolicy("enforce", R"(,"settings":{"rules":[{"name":"no-web","action":"deny","match":{"sources":["frontend"]}}]})");
  ask();
  const Json::Value answer = json(kQuestion);
  ASSERT_EQ(answer["connections"].size(), 1u) << writeJson(answer);
  const Json::Value& one = answer["connections"][0];
  EXPECT_EQ(one["outcome"].asString(), "denied") << writeJson(answer);
  EXPECT_EQ(one["client"].asString() + " " + one["destination"].asString(), "10.0.0.1 10.0.0.2:80");
  EXPECT_EQ(one["caller"].asString(), "frontend");
  EXPECT_EQ(one["proxy"].asString(), "web-1");
  EXPECT_EQ(one["cause"]["feature"].asString() + "/" + one["cause"]["rule"].asString(), "policy/no-web");
  const Json::Value& word = one["features"][0];
  EXPECT_EQ(word["stage"].asString(), "enforce");
  EXPECT_EQ(word["reason"].asString(), "CHG-7");
  EXPECT_GT(word["revision"].asUInt64(), 0u);
  EXPECT_EQ(word["one_stage_earlier"]["stage"].asString(), "simulate");
  EXPECT_EQ(word["one_stage_earlier"]["outcome"].asString(), "would_be_denied");
  EXPECT_GT(one["snapshot"]["generation"].asUInt64(), 0u);
  EXPECT_EQ(one["snapshot"]["in_effect"].asUInt64(), 0u) << "it only asked for it";
  EXPECT_TRUE(answer["refusals"].empty());
  for (const char* same : {"/v1/explain?client=10.0.0.1&destination=10.0.0.2:80",
                           "/v1/explain?client=10.0.0.1:4711&destination=checkout.shop"}) {
    EXPECT_EQ(json(same)["connections"], answer["connections"]) << same;
  }
  EXPECT_EQ(json("/v1/explain?client=10.0.0.77&destination=checkout.shop")["connections"][0]["outcome"].asString(),
            "admitted");
}

TEST_F(ExplainApiTest, TheRecordTellsTheLastRefusalsWithProxyAndGeneration) {
  wire::Report told = report(2);
  told.edges.clear();
  wire::Verdict verdict{.client = *IpAddress::parse("10.0.0.1"),
                        .destination = *SocketAddress::parse("10.0.0.2:80"),
                        .identity = {},
                        .feature = "policy",
                        .rule = "no-web",
                        .enforced = true,
                        .start = told.from / 10'000 * 10,
                        .count = 2,
                        .generation = 41};
  told.verdicts = {verdict};
  told.verdicts.push_back(verdict);
  told.verdicts[1].client = *IpAddress::parse("10.0.0.9");
  ASSERT_EQ(post("/v1/reports", wire::encode(told)).status, 200);
  const Json::Value refusals = json(kQuestion)["refusals"];
  ASSERT_EQ(refusals.size(), 1u) << "of this client alone: " << writeJson(refusals);
  EXPECT_EQ(refusals[0]["rule"].asString(), "no-web");
  EXPECT_EQ(refusals[0]["connections"].asUInt64(), 2u);
  EXPECT_EQ(refusals[0]["generation"].asUInt64(), 41u);
  EXPECT_EQ(refusals[0]["proxy"].asString(), "web-1");
  EXPECT_TRUE(refusals[0]["enforced"].asBool());
}

TEST_F(ExplainApiTest, WhatNobodyKnowsIsSaidSo) {
  const Json::Value unasked = json(kQuestion)["connections"][0];
  EXPECT_EQ(unasked["outcome"].asString(), "unknown");
  EXPECT_NE(unasked["why"].asString().find("has not asked"), std::string::npos);
  const auto typo = get("/v1/explain?client=frontend&destination=checkout.shp:80");
  EXPECT_EQ(typo.status, 404);
  EXPECT_NE(typo.body.find("did you mean checkout.shop"), std::string::npos) << typo.body;
  EXPECT_EQ(get("/v1/explain?client=frontend&destination=checkout.shop:81").status, 404);
  EXPECT_EQ(get("/v1/explain?client=nobody&destination=checkout.shop").status, 404);
  EXPECT_EQ(get("/v1/explain?client=frontend").status, 400);
  EXPECT_EQ(get(std::string(kQuestion) + "&id=4").status, 400);
}

}  // namespace
}  // namespace loam
