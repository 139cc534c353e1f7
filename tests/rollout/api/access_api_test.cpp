#include <gtest/gtest.h>

#include <future>
#include <vector>

#include "tests/rollout/api/api_fixture.h"

namespace loam {
namespace {

class AccessApiTest : public ControllerFixture {
 protected:
  void SetUp() override {
    settings.listen = *SocketAddress::parse("127.0.0.1:0");
    ControllerFixture::SetUp();
  }
  void beforeServing() override { port = served->api().address(1); }
  http::Response over(http::Request request) const {
    const auto response = http::fetchAndWait({.socketPath = {}, .address = port}, std::move(request), seconds(30));
    EXPECT_TRUE(response) << response.error().describe();
    return response ? *response : http::Response{.status = 0};
  }
  static Json::Value bodyOf(const http::Response& response) { return parseJson(response.body).value_or(Json::Value()); }
  std::uint64_t events() const {
    const Json::Value all = json("/v1/audit?most=10000");
    return all["events"].size();
  }
  SocketAddress port;
};

TEST_F(AccessApiTest, UsersAndTokensAreMadeListedAndTakenBack) {
  EXPECT_EQ(post("/v1/users", R"({"name":"ada","role":"admin"})").status, 201);
  EXPECT_EQ(post("/v1/users", R"({"name":"ada","role":"admin"})").status, 409);
  const Json::Value token = makeToken("laptop", "operator", R"(,"user":"ada","expires":"+1d")");
  EXPECT_TRUE(token["secret"].asString().starts_with("loam-token-"));
  const Json::Value who = bodyOf(getAs(token["secret"].asString(), "/v1/whoami"));
  EXPECT_EQ(who["who"], "ada");
  EXPECT_EQ(who["via"], "token:" + token["id"].asString());
  EXPECT_EQ(who["role"], "operator");
  const std::string list = get("/v1/tokens").body;
  EXPECT_EQ(list.find("secret"), std::string::npos);
  EXPECT_EQ(list.find("hash"), std::string::npos);
  const http::Request disable{.method = "PATCH",
                              .target = "/v1/users/ada",
                              .headers = {{"Content-Type", "application/json"}},
                              .body = R"({"disabled":true,"reason":"on leave"})"};
  EXPECT_EQ(send(disable).status, 200);
  EXPECT_EQ(getAs(token["secret"].asString(), "/v1/whoami").status, 401);
  EXPECT_EQ(send({.method = "DELETE", .target = "/v1/tokens/" + token["id"].asString()}).status, 204);
  EXPECT_EQ(send({.method = "DELETE", .target = "/v1/users/ada"}).status, 204);
  EXPECT_EQ(send({.method = "DELETE", .target = "/v1/users/ada"}).status, 404);
  const Json::Value audit = json("/v1/audit?kind=user");
  EXPECT_EQ(audit["events"][1]["act"]["reason"], "on leave");
}

TEST_F(AccessApiTest, BadInputIsNamedWithItsPlace) {
  for (const char* body : {"{}", R"({"name":"Ada","role":"admin"})", R"({"name":"ada"})",
                           R"({"name":"ada","role":"root"})", R"({"name":"ada","role":"admin","password":"x"})"}) {
    EXPECT_EQ(post("/v1/users", body).status, 400) << body;
  }
  for (const char* more : {R"(,"expires":"-1h")", R"(,"expires":"soon")", R"(,"features":["nothing"])",
                           R"(,"services":[""])", R"(,"services":"cart")"}) {
    const std::string body = std::string(R"({"name":"ci","role":"viewer")") + more + "}";
    const auto refused = post("/v1/tokens", body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_FALSE(bodyOf(refused)["errors"].empty()) << body;
  }
}

TEST_F(AccessApiTest, LoopbackIsOpenUntilThereIsAnAdminsToken) {
  EXPECT_EQ(bodyOf(over({.target = "/v1/whoami"}))["role"], "admin");
  EXPECT_TRUE(json("/v1/whoami")["loopback_open"].asBool());
  const std::string admin = secretOf("root-ci", "admin");
  EXPECT_EQ(over({.target = "/v1/whoami"}).status, 401);
  EXPECT_EQ(over({.target = "/v1/whoami"}).header("WWW-Authenticate"), R"(Bearer realm="loam")");
  EXPECT_EQ(over({.target = "/healthz"}).status, 200);
  EXPECT_EQ(over({.target = "/v1/whoami", .headers = {{"Authorization", "Bearer " + admin}}}).status, 200);
  EXPECT_FALSE(json("/v1/whoami")["loopback_open"].asBool());
  stop();
  start();
  EXPECT_EQ(over({.target = "/v1/whoami"}).status, 401);
}

TEST_F(AccessApiTest, E9_AWrongTokenIsAnsweredAlikeWhateverIsWrong) {
  const Json::Value revoked = makeToken("gone", "admin");
  const Json::Value good = makeToken("good", "viewer");
  ASSERT_EQ(send({.method = "DELETE", .target = "/v1/tokens/" + revoked["id"].asString()}).status, 204);
  const auto once = getAs(revoked["secret"].asString(), "/v1/flags");
  const auto never = getAs("loam-token-" + std::string(43, 'A'), "/v1/flags");
  EXPECT_EQ(once.status, 401);
  EXPECT_EQ(once.body, never.body);
  EXPECT_EQ(once.header("WWW-Authenticate"), never.header("WWW-Authenticate"));
  EXPECT_EQ(never.header("WWW-Authenticate"), R"(Bearer realm="loam", error="invalid_token")");
}

TEST_F(AccessApiTest, E9_WrongTokensAreCounted) {
  const auto counts = [this](int many) {
    const std::string line = "\nloam_controller_wrong_tokens_total " + std::to_string(many) + "\n";
    return get("/metrics").body.find(line) != std::string::npos;
  };
  EXPECT_TRUE(counts(0));
  const Json::Value gone = makeToken("gone", "viewer");
  EXPECT_EQ(getAs(gone["secret"].asString(), "/v1/flags").status, 200);
  ASSERT_EQ(send({.method = "DELETE", .target = "/v1/tokens/" + gone["id"].asString()}).status, 204);
  EXPECT_EQ(getAs(gone["secret"].asString(), "/v1/flags").status, 401);
  EXPECT_EQ(getAs("loam-token-x", "/v1/flags").status, 401);
  EXPECT_TRUE(counts(2)) << get("/metrics").body;
}

TEST_F(AccessApiTest, E9_AFloodOfWrongTokensDoesNotDelayAGoodOne) {
  const std::string good = secretOf("good", "viewer");
  std::vector<std::future<int>> flood;
  for (int i = 0; i < 60; ++i) {
    flood.push_back(std::async(std::launch::async, [this] { return getAs("loam-token-x", "/v1/flags").status; }));
  }
  for (int i = 0; i < 20; ++i) {
    const auto began = clock.now();
    EXPECT_EQ(getAs(good, "/v1/flags").status, 200);
    EXPECT_LT(clock.now() - began, seconds(1));
  }
  for (auto& one : flood) {
    const int status = one.get();
    EXPECT_TRUE(status == 401 || status == 429) << status;
  }
}

TEST_F(AccessApiTest, AScopeBoundsWhatIsChangedAndNotWhatIsRead) {
  const std::string cart = secretOf("ci-cart", "operator", R"(,"services":["cart"],"features":["observe"])");
  EXPECT_EQ(getAs(cart, "/v1/flags").status, 200);
  const std::string mixed = R"({"edits":[{"service":"cart","feature":"observe","stage":"off"},)"
                            R"({"service":"web","feature":"observe","stage":"off"}]})";
  const auto refused = postAs(cart, "/v1/changes", mixed);
  EXPECT_EQ(refused.status, 403) << refused.body;
  ASSERT_EQ(bodyOf(refused)["cells"].size(), 1u);
  EXPECT_EQ(bodyOf(refused)["cells"][0]["service"], "web");
  EXPECT_EQ(bodyOf(refused)["code"], "out_of_scope");
  for (const char* body : {"{}", R"({"service":"web"})", R"({"service":"cart"})", R"({"feature":"observe"})"}) {
    EXPECT_EQ(postAs(cart, "/v1/kill", body).status, 403) << body;
  }
  EXPECT_EQ(postAs(cart, "/v1/kill", R"({"service":"cart","feature":"observe"})").status, 200);
  EXPECT_EQ(postAs(cart, "/v1/freezes", R"({"service":"web","reason":"x"})").status, 403);
  EXPECT_EQ(postAs(cart, "/v1/freezes", R"({"service":"cart","feature":"observe","reason":"x"})").status, 201);
  const std::string begun = bodyOf(post("/v1/freezes", R"({"service":"web","reason":"x"})"))["id"].asString();
  EXPECT_EQ(sendAs(cart, {.method = "DELETE", .target = "/v1/freezes/" + begun}).status, 403);
  const auto named = sendAs(cart, {.method = "PUT",
                                   .target = "/v1/nodes/10.0.0.2/name",
                                   .headers = {{"Content-Type", "application/json"}},
                                   .body = R"({"name":"pay"})"});
  EXPECT_EQ(named.status, 403) << "what nobody checks is turned away";
  const auto set = sendAs(cart, {.method = "PATCH",
                                 .target = "/v1/services/cart/settings",
                                 .headers = {{"Content-Type", "application/json"}},
                                 .body = R"({"owner":"me"})"});
  EXPECT_EQ(set.status, 403) << "settings are no feature";
}

TEST_F(AccessApiTest, AScopedTokenNeitherAppliesNorDropsAnothersChange) {
  // The flag of every service can be changed before any service is known.
  const auto proposed = post("/v1/changes", R"({"edits":[{"service":"*","feature":"observe","stage":"off"}]})");
  ASSERT_EQ(proposed.status, 201) << proposed.body;
  const Json::Value change = bodyOf(proposed);
  const std::string path = "/v1/changes/" + change["id"].asString();
  const std::string cart = secretOf("ci-cart", "admin", R"(,"services":["cart"])");
  const std::string body = R"({"reason":"x","hash":")" + change["hash"].asString() + "\"}";
  EXPECT_EQ(postAs(cart, path + "/apply", body).status, 403);
  EXPECT_EQ(postAs(cart, path + "/discard", "{}").status, 403);
  EXPECT_EQ(postAs(cart, "/v1/tokens", R"({"name":"more","role":"admin"})").status, 403)
      << "or it would give itself what it has not";
  EXPECT_EQ(json(path)["state"], "open");
}

TEST_F(AccessApiTest, TheAuditLogNamesTheTokenAndWhereItCameFrom) {
  const Json::Value token = makeToken("ci", "operator");
  const auto killed = over(
      {.method = "POST",
       .target = "/v1/kill",
       .headers = {{"Content-Type", "application/json"}, {"Authorization", "Bearer " + token["secret"].asString()}},
       .body = R"({"feature":"observe"})"});
  ASSERT_EQ(killed.status, 200) << killed.body;
  const Json::Value events = json("/v1/audit?kind=flag");
  const Json::Value act = events["events"][0]["act"];
  EXPECT_EQ(act["who"], "ci");
  EXPECT_EQ(act["via"], "token:" + token["id"].asString());
  EXPECT_EQ(act["from"], "127.0.0.1");
}

TEST_F(AccessApiTest, TheDayOfUseIsShownAndNoEvent) {
  const std::string secret = secretOf("ci", "viewer");
  const std::uint64_t before = events();
  EXPECT_EQ(getAs(secret, "/v1/flags").status, 200);
  const auto used = [this] { return json("/v1/tokens")["tokens"][0]["last_used"].asString(); };
  for (int i = 0; i < 500 && used().empty(); ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(used().size(), 10u);
  EXPECT_EQ(events(), before);
}

}  // namespace
}  // namespace loam
