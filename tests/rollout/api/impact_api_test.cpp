#include <yaml-cpp/yaml.h>

#include <set>

#include "tests/rollout/api/api_fixture.h"

namespace loam {
namespace {

constexpr const char* kImpact = "/v1/services/checkout.shop/impact/";

class ImpactApiTest : public ControllerFixture {
 protected:
  void SetUp() override {
    ControllerFixture::SetUp();
    ASSERT_EQ(post("/v1/reports", wire::encode(report(1))).status, 200);
  }
  Json::Value impact(const std::string& feature, const std::string& body, const std::string& query = "") const {
    const auto answer = post(kImpact + feature + query, body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return parseJson(answer.body).value_or(Json::Value());
  }
};

TEST_F(ImpactApiTest, AnswersFromTheRecordAboutGivenSettings) {
  const Json::Value answer = impact("timeouts", R"({"settings":{"request":"2ms"}})", "?from=-5m");
  EXPECT_EQ(answer["service"].asString(), "checkout.shop");
  EXPECT_EQ(answer["feature"].asString(), "timeouts");
  EXPECT_EQ(answer["stage"].asString(), "on");
  EXPECT_EQ(answer["now"].asString(), "off");
  EXPECT_EQ(answer["source"].asString(), "given");
  EXPECT_EQ(answer["verdict"].asString(), "some");
  EXPECT_EQ(answer["rows"][0]["caller"].asString(), "frontend");
  EXPECT_EQ(answer["rows"][0]["rule"].asString(), "request 2ms");
  EXPECT_EQ(answer["rows"][0]["least"].asUInt64(), 10u);
  EXPECT_EQ(answer["rows"][0]["all"].asUInt64(), 10u);
  EXPECT_TRUE(answer["rows"][0]["exact"].asBool());
  EXPECT_EQ(answer["header"]["coverage"][0]["proxy"].asString(), "web-1");
  EXPECT_GT(answer["record"]["observed"].asDouble(), 0.05);
  EXPECT_LT(answer["record"]["observed"].asDouble(), 0.2) << "half a minute of five";
  EXPECT_TRUE(answer["record"].isMember("since"));
}

TEST_F(ImpactApiTest, WithoutSettingsTheFlagsOwnAreAsked) {
  const Json::Value own = impact("serve", "{}");
  EXPECT_EQ(own["source"].asString(), "flag");
  EXPECT_EQ(own["verdict"].asString(), "unknown");
  EXPECT_EQ(own["next"].asString(), "loam flag set checkout.shop serve simulate --settings FILE --reason '...'");
  const auto none = post(std::string(kImpact) + "timeouts", "");
  EXPECT_EQ(none.status, 400);
  EXPECT_NE(none.body.find("the flag's own settings will not do"), std::string::npos) << none.body;
}

TEST_F(ImpactApiTest, AsksBucketByBucketWhereAFeatureDoes) {
  const Json::Value answer = impact("rate_limit", R"({"settings":{"limits":[{"name":"all","rate":"1/h","burst":1}]}})");
  EXPECT_EQ(answer["rows"][0]["least"].asUInt64(), 9u) << "one of ten passes";
  EXPECT_TRUE(answer["rows"][0]["exact"].asBool()) << "a week before them nobody came";
}

TEST_F(ImpactApiTest, BadQuestionsAreToldWhere) {
  EXPECT_EQ(post("/v1/services/nobody/impact/serve", "{}").status, 404);
  EXPECT_NE(post("/v1/services/checkout.shp/impact/serve", "{}").body.find("checkout.shop"), std::string::npos);
  const auto feature = post(std::string(kImpact) + "timeout", "{}");
  EXPECT_EQ(feature.status, 404);
  EXPECT_NE(feature.body.find("timeouts"), std::string::npos) << feature.body;
  EXPECT_EQ(post(std::string(kImpact) + "serve?form=1", "{}").status, 400);
  for (const char* body :
       {"[]", "nothing", R"({"more":1})", R"({"stage":"onn"})", R"({"settings":{"max_haed":"8KiB"}})"})
    EXPECT_EQ(post(std::string(kImpact) + "serve", body).status, 400) << body;
  const auto stage = post(std::string(kImpact) + "serve", R"({"stage":"onn"})");
  EXPECT_NE(stage.body.find("did you mean on"), std::string::npos) << stage.body;
  const auto wrong = post(std::string(kImpact) + "timeouts", R"({"settings":{"request":"fast"}})");
  EXPECT_NE(wrong.body.find("/settings/request"), std::string::npos) << wrong.body;
}

/// Every member that is served stands in the file, and the file names no other.
TEST_F(ImpactApiTest, TheOpenApiFileHasTheMembersThatAreServed) {
  wire::Report told = report(2);
  told.edges.clear();
  told.verdicts.push_back({.client = *IpAddress::parse("10.0.0.1"),
                           .destination = *SocketAddress::parse("10.0.0.2:80"),
                           .identity = {},
                           .feature = "timeouts",
                           .rule = "request",
                           .enforced = false,
                           .start = told.from / 10'000 * 10,
                           .count = 2});
  ASSERT_EQ(post("/v1/reports", wire::encode(told)).status, 200);
  const Json::Value answer = impact("timeouts", R"({"settings":{"request":"2ms","connect":"1ms"}})");
  const YAML::Node schema =
      YAML::LoadFile(LOAM_SOURCE_DIR "/docs/openapi.yaml")["components"]["schemas"]["Impact"]["properties"];
  const auto written = [](const YAML::Node& properties) {
    std::set<std::string> names;
    for (const auto& property : properties) names.insert(property.first.as<std::string>());
    return names;
  };
  const auto sent = [](const Json::Value& value) {
    const auto names = value.getMemberNames();
    return std::set<std::string>(names.begin(), names.end());
  };
  EXPECT_EQ(written(schema), sent(answer));
  EXPECT_EQ(written(schema["record"]["properties"]), sent(answer["record"]));
  for (const char* list : {"totals", "rows", "verdicts", "unknown", "proposals"}) {
    ASSERT_EQ(answer[list].size(), 1u) << list;
    EXPECT_EQ(written(schema[list]["items"]["properties"]), sent(answer[list][0])) << list;
  }
}

}  // namespace
}  // namespace loam
