#include <gtest/gtest.h>

#include <future>

#include "proxy/wire/watch.h"
#include "tests/rollout/api/api_fixture.h"

namespace loam {
namespace {

/// A controller that knows the service checkout.shop, which the proxy web-1 carries.
class FlagApiTest : public ControllerFixture {
 protected:
  void SetUp() override {
    ControllerFixture::SetUp();
    ASSERT_EQ(post("/v1/reports", wire::encode(report(1))).status, 200);
    stop();
    start();  // the topology is read at the start, and then only now and then
    const auto known = [this] { return propose("checkout.shop", "observe", "sampled").status == 201; };
    for (int i = 0; i < 500 && !known(); ++i) std::this_thread::sleep_for(milliseconds(10));
    ASSERT_TRUE(known());
  }

  http::Response propose(const std::string& service, const std::string& feature, const std::string& stage,
                         const std::string& percent = "10") {
    return post("/v1/changes", R"({"edits":[{"service":")" + service + R"(","feature":")" + feature + R"(","stage":")" +
                                   stage + R"(","percent":")" + percent + R"("}]})");
  }
  http::Response apply(const Json::Value& change, const std::string& hash = "") {
    Json::Value body(Json::objectValue);
    body["hash"] = hash.empty() ? change["hash"].asString() : hash;
    body["reason"] = "a test";
    return post("/v1/changes/" + change["id"].asString() + "/apply", writeJson(body));
  }
  static Json::Value bodyOf(const http::Response& response) { return parseJson(response.body).value_or(Json::Value()); }
  /// One question of a proxy.
  std::optional<wire::Snapshot> watch(const wire::Watch& question) {
    const auto answer = post("/v1/watch", wire::encode(question));
    if (answer.status == 204) return std::nullopt;
    EXPECT_EQ(answer.status, 200) << answer.body;
    auto snapshot = wire::decodeSnapshot(answer.body);
    EXPECT_TRUE(snapshot);
    return snapshot ? std::optional(*snapshot) : std::nullopt;
  }
  wire::Watch question(const wire::Snapshot* running = nullptr) {
    wire::Watch watch;
    watch.proxy = "web-1";
    watch.capabilities = {"observe.on", "observe.sampled"};
    watch.waitMs = 20'000;
    if (running != nullptr) {
      watch.epoch = running->epoch;
      watch.acknowledged = watch.inEffect = running->generation;
    }
    return watch;
  }
};

TEST_F(FlagApiTest, AFlagGoesFromThePersonToTheProxyAndBack) {
  const auto first = watch(question());
  ASSERT_TRUE(first);
  auto coming = std::async(std::launch::async, [&] { return watch(question(&*first)); });
  const auto applied = apply(bodyOf(propose("checkout.shop", "observe", "sampled")));
  ASSERT_EQ(applied.status, 200) << applied.body;
  const std::string revision = std::to_string(bodyOf(applied)["revision"].asUInt64());
  const auto second = coming.get();
  ASSERT_TRUE(second);
  ASSERT_EQ(second->services.size(), 1u);
  EXPECT_EQ(second->services[0].features.at(0).stage, "sampled");
  EXPECT_EQ(second->services[0].features.at(0).share, 10'000);

  Json::Value progress = json("/v1/progress?service=checkout.shop&revision=" + revision);
  EXPECT_EQ(progress["concerned"].asInt(), 1);
  EXPECT_FALSE(progress["done"].asBool());
  auto last = std::async(std::launch::async, [&] {
    wire::Watch running = question(&*second);
    running.waitMs = 100;
    return watch(running);
  });
  progress = json("/v1/progress?service=checkout.shop&wait=20s&revision=" + revision);
  EXPECT_TRUE(progress["done"].asBool());
  EXPECT_FALSE(last.get());
  EXPECT_FALSE(json("/v1/fleet/web-1")["drift"].asBool());
}

TEST_F(FlagApiTest, APreviewNamesWhoSwitchesAndLeavesNothingOpen) {
  const std::string edit =
      R"({"edits":[{"service":"checkout.shop","feature":"rate_limit","stage":"enforce","percent":"50",
                             "settings":{"connections":{"total":10}}}]})";
  const auto open = [this] { return json("/v1/changes")["changes"].size(); };
  const auto before = open();
  const auto dry = post("/v1/changes?dry_run=true", edit);
  ASSERT_EQ(dry.status, 200) << dry.body;
  EXPECT_FALSE(bodyOf(dry).isMember("id"));
  EXPECT_EQ(open(), before);
  const Json::Value reach = bodyOf(dry)["flags"][0]["reach"];
  EXPECT_EQ(reach["percent_of"], "source");
  EXPECT_EQ(reach["switches"]["in"]["names"][0], "frontend") << dry.body;
  ASSERT_EQ(reach["callers"].size(), 1u);
  EXPECT_EQ(reach["callers"][0]["connections"].asUInt64(), 2u);
  EXPECT_EQ(reach["callers"][0]["requests"].asUInt64(), 10u);
  EXPECT_EQ(reach["blast_radius"]["edge_share"].asDouble(), 1);
  EXPECT_EQ(reach["blast_radius"]["proxies"]["names"][0], "web-1");
  EXPECT_EQ(reach["blast_radius"]["silent"]["count"].asInt(), 1);  // it reports, but never asked what it is to run
  wire::Watch asks = question();
  asks.waitMs = 0;
  (void)watch(asks);
  std::this_thread::sleep_for(milliseconds(1100));  // what is known of proxies may be a second old
  const Json::Value kept = bodyOf(post("/v1/changes", edit));
  EXPECT_EQ(kept["hash"], bodyOf(dry)["hash"]);
  const Json::Value blast = json("/v1/changes/" + kept["id"].asString())["flags"][0]["reach"]["blast_radius"];
  EXPECT_EQ(blast["silent"]["count"].asInt(), 0);
  EXPECT_EQ(blast["lacking"]["names"][0], "web-1");
  EXPECT_EQ(post("/v1/changes?dry_run=maybe", edit).status, 400);
  EXPECT_EQ(post("/v1/changes?dryrun=true", edit).status, 400);
}

TEST_F(FlagApiTest, E6_TheSecondOfTwoGetsTheDifference) {
  const Json::Value first = bodyOf(propose("checkout.shop", "observe", "sampled"));
  const Json::Value second = bodyOf(propose("checkout.shop", "observe", "off", "100"));
  ASSERT_EQ(apply(first).status, 200);
  const auto refused = apply(second);
  EXPECT_EQ(refused.status, 412);
  const Json::Value problem = bodyOf(refused);
  EXPECT_EQ(problem["code"], "stale");
  EXPECT_EQ(problem["change"]["moved"][0]["current"]["stage"], "sampled");
  EXPECT_EQ(json("/v1/services/checkout.shop/features/observe")["stage"], "sampled");
}

TEST_F(FlagApiTest, BadInputIsNamedWithItsPlace) {
  EXPECT_EQ(propose("chekout.shop", "observe", "off", "100").status, 404);
  EXPECT_EQ(bodyOf(propose("chekout.shop", "observe", "off", "100"))["suggestions"][0], "checkout.shop");
  const auto percent = propose("checkout.shop", "observe", "sampled", "101");
  EXPECT_EQ(percent.status, 400);
  EXPECT_EQ(bodyOf(percent)["errors"][0]["pointer"], "/edits/0/percent");
  for (const char* body :
       {"{", "[]", R"({"edits":5})", R"({"edits":[{}]})", R"({"edits":[],"x":1})", R"({"edits":[]})"}) {
    EXPECT_EQ(post("/v1/changes", body).status, 400) << body;
  }
  const Json::Value change = bodyOf(propose("checkout.shop", "observe", "sampled"));
  EXPECT_EQ(apply(change, "no hash").status, 412);
  EXPECT_EQ(post("/v1/changes/" + change["id"].asString() + "/apply", R"({"hash":"x"})").status, 400);  // no reason
  EXPECT_EQ(post("/v1/changes/nothing/apply", R"({"hash":"x","reason":"r"})").status, 404);
  const Json::Value unready = bodyOf(propose("checkout.shop", "timeouts", "on"));
  EXPECT_FALSE(unready["applies"].asBool());
  EXPECT_EQ(apply(unready).status, 422);
}

TEST_F(FlagApiTest, KillNeedsNoRevisionAndNoReason) {
  ASSERT_EQ(apply(bodyOf(propose("checkout.shop", "serve", "simulate", "100"))).status, 200);
  const auto killed = post("/v1/kill", R"({"service":"checkout.shop"})");
  ASSERT_EQ(killed.status, 200);
  EXPECT_EQ(bodyOf(killed)["flags"].size(), 2u);  // serve, and observe, which begins on
  EXPECT_EQ(json("/v1/services/checkout.shop/features/serve")["stage"], "off");
  EXPECT_TRUE(json("/v1/services/checkout.shop/features/serve")["killed"].asBool());
}

TEST_F(FlagApiTest, FlagsAndTheAuditLogOutliveTheController) {
  ASSERT_EQ(apply(bodyOf(propose("checkout.shop", "observe", "sampled"))).status, 200);
  stop();
  start();
  EXPECT_EQ(json("/v1/services/checkout.shop/features/observe")["stage"], "sampled");
  const Json::Value events = json("/v1/audit?kind=flag");
  ASSERT_EQ(events["events"].size(), 1u);
  EXPECT_EQ(events["events"][0]["act"]["reason"], "a test");
  EXPECT_TRUE(json("/v1/audit/verification")["whole"].asBool());
  EXPECT_NE(get("/v1/audit?format=csv").body.find("checkout.shop/observe"), std::string::npos);
}

TEST_F(FlagApiTest, FreezesAreBegunListedAndLifted) {
  const auto begun = post("/v1/freezes", R"({"service":"checkout.shop","until":"+1h","reason":"sale"})");
  ASSERT_EQ(begun.status, 201) << begun.body;
  EXPECT_EQ(apply(bodyOf(propose("checkout.shop", "serve", "simulate", "100"))).status, 422);
  EXPECT_EQ(json("/v1/freezes")["freezes"].size(), 1u);
  const std::string id = bodyOf(begun)["id"].asString();
  EXPECT_EQ(send({.method = "DELETE", .target = "/v1/freezes/" + id}).status, 204);
  EXPECT_EQ(send({.method = "DELETE", .target = "/v1/freezes/" + id}).status, 404);
  EXPECT_EQ(apply(bodyOf(propose("checkout.shop", "serve", "simulate", "100"))).status, 200);
  EXPECT_EQ(post("/v1/freezes", R"({"until":"-1h","reason":"x"})").status, 400);
}

TEST_F(FlagApiTest, AServiceCanBeLeftUncaptured) {
  const auto set = send({.method = "PATCH",
                         .target = "/v1/services/checkout.shop/settings",
                         .headers = {{"Content-Type", "application/json"}, {"If-Match", "\"0\""}},
                         .body = R"({"captured":false,"owner":"team-a","tags":["b","a"]})"});
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(bodyOf(set)["tags"][0], "a");
  const auto snapshot = watch(question());
  ASSERT_TRUE(snapshot);
  EXPECT_FALSE(snapshot->services.at(0).captured);
}

}  // namespace
}  // namespace loam
