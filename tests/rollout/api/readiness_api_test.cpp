#include "tests/rollout/api/mtls_ground.h"

namespace loam {
namespace {

constexpr const char* kReadiness = "/v1/services/checkout.shop/readiness";

class ReadinessApiTest : public MtlsGround<ControllerFixture> {
 protected:
  static std::string failing(const Json::Value& answer) {
    std::string names;
    for (const Json::Value& check : answer["checks"]) {
      if (!check["passed"].asBool()) names.append(names.empty() ? "" : ", ").append(check["name"].asString());
    }
    return names;
  }
  std::string lastReason() const {
    const Json::Value events = json("/v1/audit?kind=flag&key=checkout.shop/mtls&most=1000")["events"];
    return events.empty() ? "" : events[events.size() - 1]["act"]["reason"].asString();
  }
};

TEST_F(ReadinessApiTest, NamesEachCallerItsShareItsReasonAndWhetherItBlocks) {
  came(1, "unprobed");
  learn();
  const Json::Value answer = json(std::string(kReadiness) + "?feature=mtls&to=strict");
  EXPECT_EQ(answer["service"].asString(), "checkout.shop");
  EXPECT_EQ(answer["feature"].asString(), "mtls");
  EXPECT_EQ(answer["stage"].asString(), "off");
  EXPECT_EQ(answer["to"].asString(), "strict");
  EXPECT_FALSE(answer["ready"].asBool());
  EXPECT_EQ(answer["percent"].asUInt(), 0u);
  EXPECT_EQ(answer["window_seconds"].asInt64(), 8 * 86'400);
  ASSERT_EQ(answer["callers"].size(), 1u);
  const Json::Value& caller = answer["callers"][0];
  EXPECT_EQ(caller["caller"].asString(), "frontend");
  EXPECT_EQ(caller["connections"].asUInt64(), 2u);
  EXPECT_EQ(caller["share"].asDouble(), 1);
  EXPECT_EQ(caller["mutual_percent"].asDouble(), 0);
  EXPECT_EQ(caller["reason"].asString(), "caller_without_proxy");
  EXPECT_TRUE(caller["last_plaintext"].isString());
  EXPECT_TRUE(caller["blocks"].asBool());
  EXPECT_EQ(caller["why"].asString(), "plaintext within 8d");
  EXPECT_EQ(failing(answer), "prefer at 100 %, every instance acknowledged, no plaintext from any caller");
  ASSERT_FALSE(answer["missing"].empty());
  EXPECT_NE(writeJson(answer["missing"]).find("the record reaches back"), std::string::npos);
  EXPECT_EQ(writeJson(json(kReadiness)["checks"]), writeJson(answer["checks"])) << "strict of mtls by default";
}

TEST_F(ReadinessApiTest, BeforePreferNobodysPlaintextBlocks) {
  came(1, "unprobed");
  learn();
  const Json::Value answer = json(std::string(kReadiness) + "?to=prefer");
  EXPECT_EQ(answer["to"].asString(), "prefer");
  EXPECT_FALSE(answer["callers"][0]["blocks"].asBool());
  EXPECT_EQ(answer["callers"][0]["why"].asString(), "");
  EXPECT_EQ(failing(answer), "permissive at 100 %, every instance acknowledged");
}

TEST_F(ReadinessApiTest, IsReadyOnceAllAcknowledgedAndNobodyCameInPlaintext) {
  came(1, "mutual");
  learn();
  acknowledge();
  prefer();
  const Json::Value answer = json(kReadiness);
  EXPECT_EQ(failing(answer), "") << writeJson(answer);
  EXPECT_TRUE(answer["ready"].asBool());
  EXPECT_EQ(answer["percent"].asUInt(), 100u);
  EXPECT_EQ(answer["stage"].asString(), "prefer");
  EXPECT_EQ(answer["callers"][0]["mutual_percent"].asDouble(), 100);
  EXPECT_FALSE(answer["callers"][0]["blocks"].asBool());
  EXPECT_FALSE(answer["callers"][0].isMember("last_plaintext"));
  came(2, "unprobed");
  const Json::Value later = json(kReadiness);
  EXPECT_FALSE(later["ready"].asBool()) << "one is enough";
  EXPECT_EQ(failing(later), "no plaintext from any caller");
  EXPECT_EQ(later["callers"][0]["mutual_percent"].asDouble(), 50);
}

TEST_F(ReadinessApiTest, OfASimulatedFeatureWhoWouldBeRefusedIsNamed) {
  came(1, "");
  learn();
  const std::string asked = std::string(kReadiness) + "?feature=serve";
  EXPECT_EQ(failing(json(asked)), "simulated") << "it is off";
  ASSERT_EQ(setFeature("serve", "simulate"), 200);
  const Json::Value none = json(asked + "&to=on");
  EXPECT_EQ(failing(none), "") << writeJson(none);
  EXPECT_EQ(none["to"].asString(), "on");
  EXPECT_EQ(none["callers"].size(), 0u) << "nobody called since";
  EXPECT_FALSE(none["missing"].empty());
  refuse(2, "serve", "bare_lf", 3);
  refuse(3, "serve", "host", 1);
  refuse(4, "policy", "no-admin", 7);
  const Json::Value answer = json(asked);
  EXPECT_EQ(failing(answer), "nobody would be refused");
  EXPECT_NE(writeJson(answer["checks"]).find("frontend (bare_lf 3, host 1)"), std::string::npos) << writeJson(answer);
  ASSERT_EQ(answer["callers"].size(), 1u);
  const Json::Value& caller = answer["callers"][0];
  EXPECT_EQ(caller["caller"].asString(), "frontend");
  EXPECT_EQ(caller["refused"].asUInt64(), 4u);
  EXPECT_EQ(caller["rules"]["bare_lf"].asUInt64(), 3u);
  EXPECT_TRUE(caller["last_refused"].isString());
  EXPECT_TRUE(caller["blocks"].asBool());
  EXPECT_EQ(caller["why"].asString(), "bare_lf 3, host 1");
  EXPECT_FALSE(answer["ready"].asBool());
  EXPECT_EQ(answer["percent"].asUInt(), 0u);
  EXPECT_EQ(failing(json(std::string(kReadiness) + "?feature=timeouts")), "simulated");
  EXPECT_EQ(json(std::string(kReadiness) + "?feature=policy")["to"].asString(), "enforce");
}

TEST_F(ReadinessApiTest, WhatFeaturesRefusedIsListedByCallerAndRule) {
  came(1, "");
  learn();
  refuse(2, "timeouts", "default", 5);
  const Json::Value answer = json("/v1/services/checkout.shop/refusals");
  EXPECT_EQ(answer["service"].asString(), "checkout.shop");
  ASSERT_EQ(answer["refusals"].size(), 1u);
  const Json::Value& one = answer["refusals"][0];
  EXPECT_EQ(one["caller"].asString() + " " + one["destination"].asString() + " " + one["feature"].asString() + " " +
                one["rule"].asString(),
            "frontend 10.0.0.2:80 timeouts default");
  EXPECT_EQ(one["connections"].asUInt64(), 5u);
  EXPECT_FALSE(one["enforced"].asBool());
  EXPECT_EQ(get("/v1/services/nobody/refusals").status, 404);
  EXPECT_EQ(get("/v1/services/checkout.shop/refusals?form=1").status, 400);
}

TEST_F(ReadinessApiTest, BadQuestionsAreToldWhere) {
  came(1, "");
  learn();
  const auto unknown = get("/v1/services/checkout.shp/readiness");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_NE(unknown.body.find("checkout.shop"), std::string::npos) << unknown.body;
  for (const char* query : {"?feature=retries", "?feature=mtlss", "?feature=serve&to=simulate",
                            "?feature=policy&to=strict", "?to=off", "?to=permissive", "?to=Strict", "?form=1"}) {
    EXPECT_EQ(get(std::string(kReadiness) + query).status, 400) << query;
  }
  EXPECT_EQ(post(kReadiness, "{}").status, 405);
}

TEST_F(ReadinessApiTest, WhatIsNotReadyIsRefusedUntilSomebodyAnswersForIt) {
  came(1, "unprobed");
  learn();
  acknowledge();
  prefer();
  const auto refused = set("strict");
  EXPECT_EQ(refused.status, 422) << refused.body;
  const Json::Value why = *parseJson(refused.body);
  EXPECT_EQ(why["code"].asString(), "not_ready");
  EXPECT_FALSE(why["change"]["applies"].asBool());
  EXPECT_NE(refused.body.find("no plaintext from any caller: frontend (plaintext within 8d)"), std::string::npos)
      << refused.body;
  EXPECT_EQ(set("strict", R"("accept_risk":true)").status, 400) << "nobody answers without a reason";
  EXPECT_EQ(set("strict", R"("accept_risk":true,"reason":"")").status, 400);
  EXPECT_EQ(set("strict", R"("accept_risk":"yes","reason":"CHG-7")").status, 400);
  EXPECT_EQ(set("strict", R"("accept_risk":false,"reason":"CHG-7")").status, 422);
  EXPECT_EQ(lastReason(), "a test") << "of prefer";
  const auto accepted = set("strict", R"("accept_risk":true,"reason":"CHG-7")");
  ASSERT_EQ(accepted.status, 200) << accepted.body;
  EXPECT_EQ(lastReason(), "CHG-7 [risk accepted: no plaintext from any caller: frontend (plaintext within 8d)]");
}

TEST_F(ReadinessApiTest, WhatNobodyAcknowledgedIsARiskByItsOwnName) {
  came(1, "mutual");
  learn();
  ASSERT_EQ(set("observe").status, 200);
  ASSERT_EQ(set("permissive").status, 200);
  const auto refused = set("prefer");
  EXPECT_EQ(refused.status, 422);
  EXPECT_NE(refused.body.find("every instance acknowledged: 10.0.0.2:80: db-1 is silent"), std::string::npos)
      << refused.body;
  ASSERT_EQ(set("prefer", R"("accept_risk":true,"reason":"CHG-6")").status, 200);
  EXPECT_EQ(lastReason(), "CHG-6 [risk accepted: every instance acknowledged: 10.0.0.2:80: db-1 is silent]");
}

TEST_F(ReadinessApiTest, NoRiskOpensAWayPastARung) {
  came(1, "unprobed");
  learn();
  const auto refused = set("strict", R"("accept_risk":true,"reason":"CHG-5")");
  EXPECT_EQ(refused.status, 422);
  EXPECT_NE(refused.body.find("by way of permissive"), std::string::npos) << refused.body;
}

TEST_F(ReadinessApiTest, WhereNothingIsRiskedNothingIsAccepted) {
  came(1, "mutual");
  learn();
  acknowledge();
  prefer();
  ASSERT_EQ(set("strict", R"("accept_risk":true,"reason":"CHG-8")").status, 200);
  EXPECT_EQ(lastReason(), "CHG-8");
}

}  // namespace
}  // namespace loam
