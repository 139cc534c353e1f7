#include <gtest/gtest.h>

#include <future>

#include "proxy/wire/watch.h"
#include "tests/rollout/api/api_fixture.h"

namespace loam {
namespace {

/// A controller that proxies ask, and who drains them.
class DrainApiTest : public ControllerFixture {
 protected:
  static Json::Value bodyOf(const http::Response& response) { return parseJson(response.body).value_or(Json::Value()); }
  static wire::Watch question(const std::string& proxy, bool knowsDrains = true) {
    wire::Watch watch;
    watch.proxy = proxy;
    watch.version = "0.1.0";
    watch.capabilities = {"observe.on", "observe.sampled"};
    if (knowsDrains) watch.capabilities.insert(watch.capabilities.begin(), std::string(wire::kDrainCapability));
    return watch;
  }
  static wire::Watch running(const wire::Snapshot& snapshot) {
    wire::Watch watch = question(snapshot.proxy);
    watch.epoch = snapshot.epoch;
    watch.acknowledged = watch.inEffect = snapshot.generation;
    return watch;
  }
  std::optional<wire::Snapshot> watch(const wire::Watch& question) const {
    const auto answer = post("/v1/watch", wire::encode(question));
    if (answer.status == 204) return std::nullopt;
    EXPECT_EQ(answer.status, 200) << answer.body;
    auto snapshot = wire::decodeSnapshot(answer.body);
    EXPECT_TRUE(snapshot);
    return snapshot ? std::optional(*snapshot) : std::nullopt;
  }
  http::Response drain(const std::string& proxy, const std::string& body = R"({"reason":"CHG-1","ticket":"T7"})") {
    return post("/v1/fleet/" + proxy + "/drain", body);
  }
  http::Response resume(const std::string& proxy, const std::string& body = R"({"reason":"done"})") {
    return post("/v1/fleet/" + proxy + "/resume", body);
  }
  std::string stateOf(const std::string& proxy) const {
    return json("/v1/fleet/" + proxy)["drain"]["state"].asString();
  }
  Json::Value events() const { return json("/v1/audit?kind=drain")["events"]; }
};

TEST_F(DrainApiTest, ADrainGoesFromThePersonToTheProxyAndBack) {
  const auto first = watch(question("web-1"));
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->drained);
  wire::Watch waits = running(*first);
  waits.waitMs = 20'000;
  auto coming = std::async(std::launch::async, [&] { return watch(waits); });
  const auto asked = drain("web-1");
  ASSERT_EQ(asked.status, 200) << asked.body;
  EXPECT_TRUE(bodyOf(asked)["changed"].asBool());
  EXPECT_EQ(bodyOf(asked)["drain"]["state"], "asked");
  const auto second = coming.get();
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->drained);
  wire::Watch told = running(*second);
  told.drained = wire::Drained{false, 3, {*SocketAddress::parse("127.0.0.1:8000")}, 2};
  (void)watch(told);
  const Json::Value shown = json("/v1/fleet/web-1")["drain"];
  EXPECT_EQ(shown["state"], "draining");
  EXPECT_EQ(shown["connections"].asUInt64(), 3u);
  EXPECT_EQ(shown["explicit_connections"].asUInt64(), 2u);
  EXPECT_EQ(shown["explicit_ports"][0], "127.0.0.1:8000");
  EXPECT_EQ(shown["reason"], "CHG-1");
  EXPECT_EQ(shown["by"], json("/v1/whoami")["who"]);
  told.drained->connections = 0;
  (void)watch(told);
  EXPECT_EQ(stateOf("web-1"), "drained");
  const auto back = resume("web-1");
  ASSERT_EQ(back.status, 200) << back.body;
  EXPECT_EQ(bodyOf(back)["drain"]["state"], "resuming");
  EXPECT_EQ(stateOf("web-1"), "resuming");
  const auto third = watch(told);
  ASSERT_TRUE(third);
  EXPECT_FALSE(third->drained);
  (void)watch(running(*third));
  EXPECT_EQ(stateOf("web-1"), "none");
}

TEST_F(DrainApiTest, TheAuditLogSaysWhoAndWhyAndNothingTwice) {
  (void)watch(question("web-1"));
  ASSERT_EQ(drain("web-1").status, 200);
  const auto again = drain("web-1", R"({"reason":"another"})");
  EXPECT_EQ(again.status, 200);
  EXPECT_FALSE(bodyOf(again)["changed"].asBool());
  EXPECT_EQ(bodyOf(again)["drain"]["reason"], "CHG-1") << "the first one's stays";
  ASSERT_EQ(resume("web-1").status, 200);
  const auto nothing = resume("web-1");
  EXPECT_EQ(nothing.status, 200);
  EXPECT_FALSE(bodyOf(nothing)["changed"].asBool());
  const Json::Value told = events();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0]["act"]["verb"], "proxy.drain");
  EXPECT_EQ(told[0]["act"]["who"], json("/v1/whoami")["who"]);
  EXPECT_EQ(told[0]["act"]["reason"], "CHG-1");
  EXPECT_EQ(told[0]["act"]["ticket"], "T7");
  EXPECT_EQ(told[0]["key"], "web-1");
  EXPECT_EQ(told[1]["act"]["verb"], "proxy.resume");
  EXPECT_EQ(told[1]["act"]["reason"], "done");
}

TEST_F(DrainApiTest, ADrainOutlivesTheController) {
  (void)watch(question("web-1"));
  ASSERT_EQ(drain("web-1").status, 200);
  stop();
  start();
  EXPECT_EQ(stateOf("web-1"), "asked") << "shown before the proxy asks again";
  EXPECT_EQ(json("/v1/fleet")["proxies"][0]["name"], "web-1");
  EXPECT_FALSE(json("/v1/fleet")["proxies"][0].isMember("contact_seconds_ago"));
  const auto snapshot = watch(question("web-1"));
  ASSERT_TRUE(snapshot);
  EXPECT_TRUE(snapshot->drained);
  EXPECT_FALSE(watch(question("web-2"))->drained);
}

TEST_F(DrainApiTest, AProxyThatIsTooOldIsSaidToBeAndNothingIsWritten) {
  (void)watch(question("old-1", false));
  const auto refused = drain("old-1");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(bodyOf(refused)["code"], "too_old");
  EXPECT_NE(bodyOf(refused)["detail"].asString().find("0.1.0"), std::string::npos) << refused.body;
  EXPECT_EQ(events().size(), 0u);
  // One that was drained, and came back as an older program.
  (void)watch(question("web-1"));
  ASSERT_EQ(drain("web-1").status, 200);
  EXPECT_FALSE(watch(question("web-1", false))->drained);
  EXPECT_EQ(stateOf("web-1"), "too_old");
  EXPECT_EQ(bodyOf(drain("web-1"))["drain"]["state"], "too_old");
  EXPECT_EQ(bodyOf(resume("web-1"))["drain"]["state"], "none");
}

TEST_F(DrainApiTest, WhatIsWrongIsNamed) {
  (void)watch(question("web-1"));
  const auto unknown = drain("web-2");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(bodyOf(unknown)["suggestions"][0], "web-1");
  EXPECT_EQ(resume("nobody").status, 404);
  for (const char* body : {"", "{}", "{", R"({"reason":""})", R"({"reason":5})", R"({"reason":"x","until":"+1h"})"}) {
    EXPECT_EQ(drain("web-1", body).status, 400) << body;
    EXPECT_EQ(resume("web-1", body).status, 400) << body;
  }
  EXPECT_EQ(stateOf("web-1"), "none");
  EXPECT_EQ(send({.method = "GET", .target = "/v1/fleet/web-1/drain"}).status, 405);
}

TEST_F(DrainApiTest, AnOperatorMayAndATokenOfOneServiceMayNot) {
  (void)watch(question("web-1"));
  const std::string body = R"({"reason":"x"})";
  EXPECT_EQ(postAs(secretOf("v", "viewer"), "/v1/fleet/web-1/drain", body).status, 403);
  EXPECT_EQ(postAs(secretOf("s", "operator", R"(,"services":["cart"])"), "/v1/fleet/web-1/drain", body).status, 403);
  EXPECT_EQ(stateOf("web-1"), "none");
  EXPECT_EQ(postAs(secretOf("o", "operator"), "/v1/fleet/web-1/drain", body).status, 200);
  EXPECT_EQ(events()[0]["act"]["who"], "o");
}

TEST_F(DrainApiTest, ItIsNoPartOfWhatIsExported) {
  const Json::Value before = json("/v1/export");
  (void)watch(question("web-1"));
  ASSERT_EQ(drain("web-1").status, 200);
  Json::Value after = json("/v1/export");
  after["revision"] = before["revision"];
  after["at"] = before["at"];
  EXPECT_EQ(after, before);
  ASSERT_EQ(post("/v1/import", R"({"prune":true,"reason":"x"})").status, 200);
  EXPECT_EQ(stateOf("web-1"), "asked") << "a file takes no drain back";
}

}  // namespace
}  // namespace loam
