#include "proxy/tls/stream.h"
#include "proxy/wire/enrolment.h"
#include "proxy/wire/watch.h"
#include "rollout/identity/own_leaf.h"
#include "tests/rollout/api/api_fixture.h"

namespace loam::api {
namespace {

/// A controller with an authority, and proxies that come by certificate.
class IdentityApiTest : public ControllerFixture {
 protected:
  void SetUp() override {
    settings.agents = *SocketAddress::parse("127.0.0.1:0");
    ControllerFixture::SetUp();
  }

  struct Node {
    std::string name;
    tls::KeyPair key = *tls::KeyPair::generate();
    std::string chain{};
    wire::Trust trust{};

    std::string request() const { return *tls::signingRequest(key, name); }
    void take(const http::Response& response) {
      ASSERT_EQ(response.status, 200) << response.body;
      const auto enrolment = wire::decodeEnrolment(response.body);
      ASSERT_TRUE(enrolment) << enrolment.error().describe();
      chain = enrolment->chain;
      trust = enrolment->trust;
    }
    std::shared_ptr<const tls::Context> context() const {
      tls::Context::Settings own;
      own.own = {*tls::certificatesFromPem(chain), key.toPem()};
      for (const std::string& root : trust.roots) own.roots.push_back(*tls::Certificate::fromPem(root));
      return *tls::Context::client(std::move(own));
    }
  };

  Result<http::Response> agentsAsk(std::shared_ptr<const tls::Context> context, const std::string& target,
                                   std::string body) const {
    return http::fetchAndWait(*http::Target::parse(served->agentsAddress().text()),
                              {.method = "POST",
                               .target = target,
                               .headers = {{"Content-Type", "application/json"}},
                               .body = std::move(body)},
                              milliseconds(20'000),
                              tls::asClient(std::move(context), std::string(identity::controllerId("loam"))));
  }
  http::Response ask(const Node& node, const std::string& target, std::string body) const {
    const auto answer = agentsAsk(node.context(), target, std::move(body));
    EXPECT_TRUE(answer) << answer.error().describe();
    return answer ? *answer : http::Response{.status = 0};
  }
  Json::Value token(const std::string& name) const {
    return *parseJson(post("/v1/identity/tokens", "{\"name\":\"" + name + "\"}").body);
  }
  http::Response tryJoin(const Node& node, const Json::Value& token) const {
    const auto answer = agentsAsk(*tls::Context::client({}, token["root"].asString()), "/v1/join",
                                  wire::encode(wire::Join{node.name, token["secret"].asString(), node.request()}));
    EXPECT_TRUE(answer) << answer.error().describe();
    return answer ? *answer : http::Response{.status = 0};
  }
  Node joined(const std::string& name) const {
    Node node{.name = name};
    node.take(tryJoin(node, token(name)));
    return node;
  }
  static wire::Watch question(const Node& node) {
    wire::Watch watch;
    watch.proxy = node.name;
    watch.trust = node.trust.step;
    return watch;
  }
};

TEST_F(IdentityApiTest, D14_AHostJoinsByTheRootsHashAndWatches) {
  const Node node = joined("node-a");
  const auto answer = ask(node, "/v1/watch", wire::encode(question(node)));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto snapshot = wire::decodeSnapshot(answer.body);
  ASSERT_TRUE(snapshot) << snapshot.error().describe();
  EXPECT_EQ(snapshot->proxy, "node-a");
  EXPECT_EQ(snapshot->trust, node.trust);
  EXPECT_EQ(json("/v1/fleet/node-a")["name"].asString(), "node-a");
  EXPECT_EQ(ask(node, "/v1/reports", wire::encode(report(1, "node-a"))).body, "{\"counted\":true}\n");
  const auto wrongPin = agentsAsk(*tls::Context::client({}, std::string(64, '0')), "/v1/join", "{}");
  ASSERT_FALSE(wrongPin);
  EXPECT_EQ(wrongPin.error().code, ErrorCode::Denied);
}

TEST_F(IdentityApiTest, OverTheSocketAProxyIsToldNothingOfTrust) {
  const auto answer = post("/v1/watch", wire::encode(question(Node{.name = "node-a"})));
  ASSERT_EQ(answer.status, 200);
  EXPECT_FALSE(wire::decodeSnapshot(answer.body)->trust);
}

TEST_F(IdentityApiTest, E13_NobodySpeaksInAnothersName) {
  const Node node = joined("node-a");
  wire::Watch other = question(node);
  other.proxy = "node-b";
  EXPECT_EQ(ask(node, "/v1/watch", wire::encode(other)).status, 403);
  EXPECT_EQ(ask(node, "/v1/reports", wire::encode(report(1, "node-b"))).status, 403);
  const std::string text = get("/metrics").body;
  EXPECT_NE(text.find("loam_controller_agents_refused_total{why=\"name\"} 2\n"), std::string::npos) << text;
  EXPECT_EQ(json("/v1/fleet")["proxies"].size(), 0u);
}

TEST_F(IdentityApiTest, WithoutACertificateThereIsNothingButJoining) {
  const auto stranger = *tls::Context::client({}, token("node-a")["root"].asString());
  for (const char* target : {"/v1/watch", "/v1/reports", "/v1/renew"}) {
    EXPECT_EQ(agentsAsk(stranger, target, "{}")->status, 401) << target;
  }
  EXPECT_EQ(agentsAsk(stranger, "/v1/kill", "{}")->status, 404);
  EXPECT_EQ(agentsAsk(stranger, "/v1/join", "{}")->status, 400);
  EXPECT_EQ(agentsAsk(stranger, "/v1/join", std::string(64 * 1024, ' '))->status, 413);
}

TEST_F(IdentityApiTest, D10_ATokenIsShownOnceAndWorksOnce) {
  const Json::Value minted = token("node-a");
  EXPECT_EQ(minted["name"].asString(), "node-a");
  EXPECT_EQ(get("/v1/identity/tokens").body.find(minted["secret"].asString()), std::string::npos);
  EXPECT_EQ(json("/v1/identity/tokens")["tokens"][0]["state"].asString(), "open");
  Node node{.name = "node-a"};
  EXPECT_EQ(tryJoin(node, minted).status, 200);
  const auto again = tryJoin(node, minted);
  EXPECT_EQ(again.status, 403);
  EXPECT_EQ(again.body.find("used"), std::string::npos) << again.body;
  EXPECT_EQ(json("/v1/identity/tokens")["tokens"][0]["state"].asString(), "used");
  EXPECT_EQ(json("/v1/identity/tokens")["tokens"][0]["refused"].asInt(), 1);
  EXPECT_EQ(post("/v1/identity/tokens", R"({"name":"a b"})").status, 400);
  EXPECT_EQ(post("/v1/identity/tokens", R"({"name":"a","life":"30d"})").status, 400);
  const std::string id = token("node-b")["id"].asString();
  EXPECT_EQ(send({.method = "DELETE", .target = "/v1/identity/tokens/" + id}).status, 204);
  EXPECT_EQ(send({.method = "DELETE", .target = "/v1/identity/tokens/" + id}).status, 404);
}

TEST_F(IdentityApiTest, ACertificateIsRenewed) {
  Node node = joined("node-a");
  const std::string first = node.chain;
  node.take(ask(node, "/v1/renew", wire::encode(wire::Renew{node.request()})));
  EXPECT_NE(node.chain, first);
  EXPECT_EQ(ask(node, "/v1/renew", wire::encode(wire::Renew{"no request"})).status, 400);
  const Json::Value all = json("/v1/identity/certificates")["certificates"];
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["name"].asString(), "node-a");
  EXPECT_GT(all[0]["seconds_left"].asInt64(), 6 * 86'400);
}

TEST_F(IdentityApiTest, D12_ARevokedProxyIsCutAndTurnedAway) {
  const Node node = joined("node-a");
  const auto first = wire::decodeSnapshot(ask(node, "/v1/watch", wire::encode(question(node))).body);
  wire::Watch waiting = question(node);
  waiting.epoch = first->epoch;
  waiting.acknowledged = waiting.inEffect = first->generation;
  waiting.waitMs = 60'000;
  Result<http::Response> waited = http::Response{};
  std::thread asking([&] { waited = agentsAsk(node.context(), "/v1/watch", wire::encode(waiting)); });
  while (json("/v1/fleet/node-a")["acknowledged"].asUInt64() == 0) std::this_thread::yield();
  const Json::Value open = token("node-a");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(post("/v1/identity/denials", R"({"name":"node-a"})").status, 400) << "a reason is needed";
  const auto denied = post("/v1/identity/denials", R"({"name":"node-a","reason":"stolen"})");
  ASSERT_EQ(denied.status, 201) << denied.body;
  EXPECT_EQ((*parseJson(denied.body))["certificates"].asUInt64(), 1u);
  asking.join();
  EXPECT_FALSE(waited) << waited->status;
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
  const auto refused = agentsAsk(node.context(), "/v1/watch", wire::encode(question(node)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(tryJoin(Node{.name = "node-a"}, open).status, 403);
  EXPECT_EQ(post("/v1/identity/tokens", R"({"name":"node-a"})").status, 409);
  const std::string key = http::percentEncode(json("/v1/identity/denials")["denials"][0]["key"].asString());
  EXPECT_EQ(send({.method = "DELETE", .target = "/v1/identity/denials/" + key}).status, 204);
  EXPECT_EQ(ask(node, "/v1/watch", wire::encode(question(node))).status, 200);
}

TEST_F(IdentityApiTest, D6_AChangeOfRootsWaitsForItsAgents) {
  Node node = joined("node-a");
  ask(node, "/v1/watch", wire::encode(question(node)));
  const auto step = [&](const std::string& name) {
    return post("/v1/identity/rotation", "{\"step\":\"" + name + "\"}");
  };
  const auto begun = step("begin");
  ASSERT_EQ(begun.status, 200) << begun.body;
  EXPECT_EQ((*parseJson(begun.body))["rotation"]["state"].asString(), "both_trusted");
  const auto early = step("advance");
  EXPECT_EQ(early.status, 409);
  EXPECT_NE(early.body.find("node-a"), std::string::npos) << early.body;
  for (const char* state : {"new_issues", "retiring", "steady"}) {
    node.trust = *wire::decodeSnapshot(ask(node, "/v1/watch", wire::encode(question(node))).body)->trust;
    node.take(ask(node, "/v1/renew", wire::encode(wire::Renew{node.request()})));
    ask(node, "/v1/watch", wire::encode(question(node)));
    EXPECT_EQ(json("/v1/identity")["rotation"]["waiting"].size(), 0u);
    ASSERT_EQ(step("advance").status, 200) << state;
    EXPECT_EQ(json("/v1/identity")["rotation"]["state"].asString(), state);
    stop();
    start();
    EXPECT_EQ(json("/v1/identity")["rotation"]["state"].asString(), state) << "after a restart";
  }
  EXPECT_EQ(json("/v1/identity")["roots"].size(), 1u);
  EXPECT_EQ(step("sideways").status, 400);
  EXPECT_EQ(step("abort").status, 409);
}

TEST_F(IdentityApiTest, MetricsSayWhatEndsWhen) {
  joined("node-a");
  const std::string text = get("/metrics").body;
  for (const char* name :
       {"loam_controller_identity_expiry_seconds{of=\"root\"", "{of=\"intermediate\"", "{of=\"controller\"",
        "loam_controller_identity_certificates 1\n", "loam_controller_identity_joins_total{verdict=\"good\"} 1\n"}) {
    EXPECT_NE(text.find(name), std::string::npos) << name << "\n" << text;
  }
}

using NoIdentityApiTest = ControllerFixture;

TEST_F(NoIdentityApiTest, WithoutAgentsThereIsNoAuthority) {
  EXPECT_EQ(get("/v1/identity").status, 404);
  EXPECT_EQ(post("/v1/identity/tokens", R"({"name":"node-a"})").status, 404);
  EXPECT_EQ(get("/metrics").body.find("loam_controller_identity"), std::string::npos);
}

}  // namespace
}  // namespace loam::api
