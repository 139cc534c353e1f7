#include "tests/rollout/api/api_fixture.h"

namespace loam {
namespace {

constexpr const char* kSimulate = "/v1/services/checkout.shop/policy/simulate";

class PolicyApiTest : public ControllerFixture {
 protected:
  void SetUp() override {
    ControllerFixture::SetUp();
    ASSERT_EQ(post("/v1/reports", wire::encode(report(1))).status, 200);
    stop();
    start();  // the topology is read at the start, and then only now and then
    const auto known = [this] {
      return post("/v1/changes?dry_run=true",
                  R"({"reason":"x","edits":[{"service":"checkout.shop","feature":"observe","stage":"sampled"}]})")
                 .status != 404;
    };
    for (int i = 0; i < 500 && !known(); ++i) std::this_thread::sleep_for(milliseconds(10));
    ASSERT_TRUE(known());
  }
  /// frontend's two connections were counted as what the policy would deny.
  void count(std::uint64_t sequence, bool enforced) {
    wire::Report told = report(sequence);
    told.edges.clear();
    told.verdicts.push_back({.client = *IpAddress::parse("10.0.0.1"),
                             .destination = *SocketAddress::parse("10.0.0.2:80"),
                             .identity = {},
                             .feature = "policy",
                             .rule = "no-web",
                             .enforced = enforced,
                             .start = told.from / 10'000 * 10,
                             .count = 2});
    ASSERT_EQ(post("/v1/reports", wire::encode(told)).status, 200);
  }
  void setPolicy(const std::string& wanted) {
    const auto made = post("/v1/changes", R"({"reason":"x","edits":[{"service":"checkout.shop","feature":"policy",
        "stage":"simulate","settings":)" + wanted +
                                              "}]}");
    ASSERT_EQ(made.status, 201) << made.body;
    const Json::Value change = *parseJson(made.body);
    const auto applied = post("/v1/changes/" + change["id"].asString() + "/apply",
                              R"({"reason":"x","hash":")" + change["hash"].asString() + "\"}");
    ASSERT_EQ(applied.status, 200) << applied.body;
  }
};

TEST_F(PolicyApiTest, GeneratesWhatTheRecordImpliesWithItsEvidence) {
  const Json::Value draft = json("/v1/services/checkout.shop/policy/generate");
  EXPECT_EQ(writeJson(draft["settings"]),
            R"({"default":"deny","rules":[{"action":"allow","match":{"ports":[80],"sources":["frontend"]},)"
            R"("name":"frontend"}]})");
  EXPECT_EQ(draft["service"].asString(), "checkout.shop");
  EXPECT_EQ(draft["samples"].asUInt64(), 2u);
  EXPECT_EQ(draft["rules"][0]["clients"][0].asString(), "10.0.0.1");
  EXPECT_EQ(draft["header"]["coverage"][0]["proxy"].asString(), "web-1");
  EXPECT_GT(draft["age_seconds"].asInt64(), 0);
  const Json::Value nobody = json("/v1/services/frontend/policy/generate");
  EXPECT_TRUE(nobody["rules"].empty()) << "it only calls";
}

TEST_F(PolicyApiTest, AsksTheRecordAboutGivenSettings) {
  const auto denied = post(kSimulate, R"({"settings":{"default":"deny"}})");
  ASSERT_EQ(denied.status, 200) << denied.body;
  const Json::Value answer = *parseJson(denied.body);
  EXPECT_EQ(answer["source"].asString(), "record");
  EXPECT_EQ(answer["denied"].asUInt64(), 2u);
  EXPECT_EQ(answer["edges"][0]["caller"].asString(), "frontend");
  EXPECT_EQ(answer["edges"][0]["rule"].asString(), "default");
  EXPECT_EQ(answer["edges"][0]["port"].asUInt(), 80u);
  Json::Value own(Json::objectValue);
  own["settings"] = json("/v1/services/checkout.shop/policy/generate")["settings"];
  const auto admitted = post(kSimulate, writeJson(own));
  ASSERT_EQ(admitted.status, 200) << admitted.body;
  EXPECT_TRUE((*parseJson(admitted.body))["edges"].empty());
}

TEST_F(PolicyApiTest, TellsWhatTheProxiesCountedBeforeWhatTheRecordWouldSay) {
  EXPECT_EQ(json(kSimulate)["source"].asString(), "record");
  EXPECT_TRUE(json(kSimulate)["edges"].empty()) << "no policy denies nobody";
  setPolicy(R"({"rules":[{"name":"no-web","action":"deny","match":{"sources":["frontend"]}}]})");
  const Json::Value asked = json(kSimulate);
  EXPECT_EQ(asked["source"].asString(), "record");
  EXPECT_EQ(asked["stage"].asString(), "simulate");
  EXPECT_EQ(asked["edges"][0]["rule"].asString(), "no-web");
  count(2, false);
  const Json::Value live = json(kSimulate);
  EXPECT_EQ(live["source"].asString(), "live");
  EXPECT_EQ(live["denied"].asUInt64(), 2u);
  EXPECT_EQ(live["enforced"].asUInt64(), 0u);
  EXPECT_EQ(live["connections"].asUInt64(), 2u);
  EXPECT_EQ(live["edges"][0]["caller"].asString(), "frontend");
  count(3, true);
  EXPECT_EQ(json(kSimulate)["enforced"].asUInt64(), 2u);
}

TEST_F(PolicyApiTest, BadQuestionsAreToldWhere) {
  EXPECT_EQ(get("/v1/services/nobody/policy/simulate").status, 404);
  EXPECT_NE(get("/v1/services/checkout.shp/policy/generate").body.find("checkout.shop"), std::string::npos);
  EXPECT_EQ(get(std::string(kSimulate) + "?form=1").status, 400);
  for (const char* body : {"{}", "[]", "nothing", R"({"settings":{"default":"deny"},"more":1})",
                           R"({"settings":{"rules":[{"name":"a","action":"alow"}]}})"}) {
    EXPECT_EQ(post(kSimulate, body).status, 400) << body;
  }
  const auto wrong = post(kSimulate, R"({"settings":{"rules":[{"name":"a","action":"alow"}]}})");
  EXPECT_NE(wrong.body.find("/settings/rules/0/action"), std::string::npos) << wrong.body;
}

}  // namespace
}  // namespace loam
