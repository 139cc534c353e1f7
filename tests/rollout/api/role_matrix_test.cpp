#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "proxy/tls/stream.h"
#include "tests/rollout/api/api_fixture.h"
#include "tests/support/certificates.h"

namespace loam {
namespace {

using api::Access;

/// Every route against everybody who may ask, over real sockets: the Unix socket, loopback once it is closed, and a
/// port with mutual TLS.
class RoleMatrixTest : public ControllerFixture {
 protected:
  void SetUp() override {
    settings.listen = *SocketAddress::parse("127.0.0.1:0");
    ControllerFixture::SetUp();
    secrets["viewer"] = secretOf("v", "viewer");
    secrets["operator"] = secretOf("o", "operator");
    secrets["admin"] = secretOf("a", "admin");
    const Json::Value revoked = makeToken("r", "admin");
    secrets["revoked"] = revoked["secret"].asString();
    ASSERT_EQ(send({.method = "DELETE", .target = "/v1/tokens/" + revoked["id"].asString()}).status, 204);
    secrets["expired"] = makeExpired();
  }

  void beforeServing() override {
    port = served->api().address(1);
    auto listener = io::Listener::bind(served->loop(), *SocketAddress::parse("127.0.0.1:0"));
    ASSERT_TRUE(listener);
    tls::Context::Settings mutual;
    mutual.own = server.credentials();
    mutual.roots = {root.certificate};
    mutual.client = tls::ClientCertificate::Required;
    const auto context = tls::Context::server(std::move(mutual));
    ASSERT_TRUE(context) << context.error().describe();
    tlsPort = (*listener)->address();
    served->api().serve(*std::move(listener), {.security = {.wrap = tls::asServer([c = *context] { return c; })}});
  }

  /// A token whose time is over, as the ledger has it when the controller starts.
  std::string makeExpired() {
    const auto minted = access::mint({.name = "e", .role = access::Role::Admin, .expires = 1}, clock.wall());
    EXPECT_TRUE(minted);
    stop();
    auto file = db::openLedger(settings.control, clock);
    EXPECT_TRUE(file);
    const audit::Edit edit{"token", minted->token.id, 0, toJson(minted->token)};
    EXPECT_TRUE((*file)->commit({&edit, 1}, std::nullopt));
    file->reset();
    start();
    return minted->secret;
  }

  http::Response askAs(const std::string& who, http::Request request) const {
    if (secrets.contains(who)) request.headers.emplace_back("Authorization", "Bearer " + secrets.at(who));
    const bool byCertificate = who == "proxy";
    io::Wrap wrap;
    if (byCertificate) {
      tls::Context::Settings mutual;
      mutual.own = agent.credentials();
      mutual.roots = {root.certificate};
      const auto context = tls::Context::client(std::move(mutual));
      EXPECT_TRUE(context);
      wrap = tls::asClient(*context, "");
    }
    const http::Target target{.socketPath = {}, .address = byCertificate ? tlsPort : port};
    const auto answer = http::fetchAndWait(target, std::move(request), seconds(30), std::move(wrap));
    EXPECT_TRUE(answer) << who << ": " << answer.error().describe();
    return answer ? *answer : http::Response{.status = 0};
  }

  /// What is sent to try a route: nothing that exists is named, so that nothing is changed by those who may.
  static http::Request tryOut(const api::Router::Declared& route) {
    http::Request request{.method = route.method};
    for (std::size_t i = 0; i < route.pattern.size();) {
      const bool parameter = route.pattern[i] == '{';
      request.target += parameter ? "none-" : std::string(1, route.pattern[i]);
      i = parameter ? route.pattern.find('}', i) + 1 : i + 1;
    }
    if (route.method != "GET") {
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = R"({"unknown member":1})";
    }
    return request;
  }

  /// As declared: 401 for who has proved nothing, 403 for who has and may not; anything else for who may.
  static int expected(const std::string& who, Access access) {
    if (access == Access::Anyone) return 0;
    if (who == "nobody" || who == "expired" || who == "revoked") return 401;
    if (who == "proxy") return access == Access::Proxy ? 0 : 403;
    if (access == Access::Proxy) return 403;
    const std::map<std::string, Access> roles = {
        {"viewer", Access::Viewer}, {"operator", Access::Operator}, {"admin", Access::Admin}};
    return roles.at(who) >= access ? 0 : 403;
  }

  std::size_t auditEvents() const { return ledger->events({.most = 100'000})->size(); }

  const test::Party root = test::makeRoot();
  const test::Party server =
      test::makeParty({.commonName = "controller", .names = "URI:spiffe://loam/controller"}, &root);
  const test::Party agent = test::makeParty({}, &root);
  std::map<std::string, std::string> secrets;
  SocketAddress port;
  SocketAddress tlsPort;
};

constexpr std::array kEverybody = {"nobody", "viewer", "operator", "admin", "proxy", "expired", "revoked"};

TEST_F(RoleMatrixTest, E1_EveryRouteIsForWhomItSays) {
  const auto routes = served->router().routes();
  ASSERT_GT(routes.size(), 30u);
  for (const api::Router::Declared& route : routes) {
    // Streams end when their reader goes: who may read one is tried by those who may not, and by its own tests.
    for (const char* who : kEverybody) {
      const int refused = expected(who, route.access);
      if (refused == 0 && route.pattern == "/v1/events") continue;
      const auto answer = askAs(who, tryOut(route));
      const std::string what = std::string(who) + ": " + route.method + " " + route.pattern + ": " + answer.body;
      const bool wrongToken = std::string_view(who) == "expired" || std::string_view(who) == "revoked";
      if (refused == 0) {
        EXPECT_TRUE(answer.status != 401 && answer.status != 429 && answer.status != 0) << what;
        EXPECT_TRUE(answer.status != 403 || answer.body.find("certificate") != std::string::npos) << what;
      } else if (wrongToken) {
        EXPECT_TRUE(answer.status == 401 || answer.status == 429) << what;
      } else {
        EXPECT_EQ(answer.status, refused) << what;
      }
      EXPECT_EQ(answer.header("WWW-Authenticate").empty(), answer.status != 401) << what;
    }
  }
}

/// What each access is for, route by route: a new route has to be put here by somebody who has thought about it.
TEST_F(RoleMatrixTest, E1_NoRouteIsOpenThatNobodyDecidedOn) {
  const std::set<std::string> anyone = {"GET /healthz", "GET /readyz"};
  const std::set<std::string> proxies = {"POST /v1/reports", "POST /v1/watch"};
  const std::set<std::string> admins = {"GET /v1/users",
                                        "POST /v1/users",
                                        "PATCH /v1/users/{user}",
                                        "DELETE /v1/users/{user}",
                                        "GET /v1/tokens",
                                        "POST /v1/tokens",
                                        "DELETE /v1/tokens/{token}",
                                        "POST /v1/backup",
                                        "POST /v1/identity/tokens",
                                        "DELETE /v1/identity/tokens/{id}",
                                        "POST /v1/identity/denials",
                                        "DELETE /v1/identity/denials/{key}",
                                        "POST /v1/identity/rotation",
                                        "POST /v1/webhooks/{name}/test"};
  // Questions that need a body: they change nothing.
  const std::set<std::string> questions = {"POST /v1/services/{name}/policy/simulate",
                                           "POST /v1/services/{service}/impact/{feature}"};
  std::map<Access, std::set<std::string>> found;
  for (const api::Router::Declared& route : served->router().routes()) {
    const std::string name = route.method + " " + route.pattern;
    found[route.access].insert(name);
    const bool reads = route.method == "GET" || questions.contains(name);
    EXPECT_TRUE(route.access != Access::Viewer || reads) << name << ": a viewer only reads";
    EXPECT_TRUE(route.access != Access::Operator || !reads) << name;
  }
  EXPECT_EQ(found[Access::Anyone], anyone);
  EXPECT_EQ(found[Access::Proxy], proxies);
  EXPECT_EQ(found[Access::Admin], admins);
}

TEST_F(RoleMatrixTest, E2_AGetChangesNothing) {
  ASSERT_EQ(post("/v1/reports", wire::encode(report(1))).status, 200);
  ASSERT_EQ(post("/v1/freezes", R"({"service":"web","reason":"x"})").status, 201);
  const auto documents = *ledger->documents();
  const std::size_t events = auditEvents();
  for (const api::Router::Declared& route : served->router().routes()) {
    if (route.method != "GET" || route.pattern == "/v1/events") continue;
    for (const char* method : {"GET", "HEAD"}) {
      http::Request request = tryOut(route);
      request.method = method;
      request.headers.emplace_back("X-HTTP-Method-Override", "DELETE");
      EXPECT_NE(send(std::move(request)).status, 0) << route.pattern;
    }
  }
  EXPECT_EQ(auditEvents(), events);
  EXPECT_EQ(*ledger->documents(), documents);
}

TEST_F(RoleMatrixTest, E2_ACookieIsNoBearer) {
  const http::Request request{.target = "/v1/flags", .headers = {{"Cookie", "token=" + secrets["admin"]}}};
  EXPECT_EQ(askAs("nobody", request).status, 401);
  EXPECT_EQ(askAs("nobody", {.target = "/v1/flags?access_token=" + secrets["admin"]}).status, 401);
}

}  // namespace
}  // namespace loam
