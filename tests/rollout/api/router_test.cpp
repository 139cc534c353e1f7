#include "rollout/api/router.h"

#include <gtest/gtest.h>

#include "proxy/io/task_scope.h"

namespace loam::api {
namespace {

io::Task<void> answerInto(const Router& router, http::Request request, Caller caller, http::Response& response) {
  response = co_await router.answer(request, std::move(caller));
}

http::Response ask(const Router& router, std::string method, std::string target, Caller caller = {}) {
  http::Request request{.method = std::move(method), .target = std::move(target)};
  request.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  http::Response response{.status = 0};
  io::TaskScope scope;
  scope.spawn(answerInto(router, std::move(request), std::move(caller), response));
  return response;
}

RouteHandler say(std::string text) {
  return [text](const Call& call) -> io::Task<http::Response> {
    http::Response response;
    response.body = text;
    for (const auto& [name, value] : call.names) response.body += " " + name + "=" + value;
    return [](http::Response done) -> io::Task<http::Response> { co_return done; }(std::move(response));
  };
}

TEST(RouterTest, MatchesByMethodAndSegments) {
  Router router;
  router.add(Access::Anyone, "GET", "/v1/things/{name}", say("one"));
  router.add(Access::Anyone, "GET", "/v1/things/special", say("special"));
  router.add(Access::Anyone, "PUT", "/v1/things/{name}/colour", say("colour"));
  EXPECT_EQ(ask(router, "GET", "/v1/things/a%20b").body, "one name=a b");
  EXPECT_EQ(ask(router, "GET", "/v1/things/a%2Fb?x=/y").body, "one name=a/b");
  EXPECT_EQ(ask(router, "GET", "/v1/things/special").body, "special");
  EXPECT_EQ(ask(router, "PUT", "/v1/things/x/colour").body, "colour name=x");
  EXPECT_EQ(ask(router, "HEAD", "/v1/things/x").body, "one name=x");
}

TEST(RouterTest, TellsUnknownPathsFromUnknownMethods) {
  Router router;
  router.add(Access::Anyone, "GET", "/a/{b}", say("x"));
  router.add(Access::Anyone, "PUT", "/a/{b}", say("y"));
  for (const char* path : {"/", "/a", "/a/", "/a/b/c", "/a/b/", "//a/b", "*", "/A/b"}) {
    EXPECT_EQ(ask(router, "GET", path).status, 404) << path;
  }
  const auto wrong = ask(router, "DELETE", "/a/b");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("Allow"), "GET, HEAD, PUT");
}

TEST(RouterTest, WhoMayUseARouteIsDecidedByItsAccess) {
  const auto may = [](Access role, bool ownHost) {
    std::string all;
    for (const Access access : {Access::Anyone, Access::Viewer, Access::Operator, Access::Admin, Access::Proxy}) {
      if (mayUse({"x", "token", role, ownHost}, access)) all.append(name(access)).append(" ");
    }
    return all;
  };
  EXPECT_EQ(may(Access::Anyone, false), "anyone ");
  EXPECT_EQ(may(Access::Viewer, false), "anyone viewer ");
  EXPECT_EQ(may(Access::Operator, false), "anyone viewer operator ");
  EXPECT_EQ(may(Access::Admin, false), "anyone viewer operator admin ");
  EXPECT_EQ(may(Access::Proxy, false), "anyone proxy ");
  EXPECT_EQ(may(Access::Admin, true), "anyone viewer operator admin proxy ");
}

TEST(RouterTest, NobodyIsAskedWhoHeIsAndAStrangerIsTurnedAway) {
  Router router;
  router.add(Access::Viewer, "GET", "/a", say("x"));
  EXPECT_EQ(ask(router, "GET", "/a").status, 401);
  EXPECT_EQ(ask(router, "GET", "/a", {"node-a", "certificate", Access::Proxy, false}).status, 403);
  EXPECT_EQ(ask(router, "GET", "/a", {"alice", "token", Access::Viewer, false}).status, 200);
}

TEST(RouterTest, WhoHasNoRoleHearsWhatToDo) {
  Router router;
  router.add(Access::Operator, "GET", "/a", say("x"));
  EXPECT_EQ(ask(router, "GET", "/a").header("WWW-Authenticate"), R"(Bearer realm="loam")");
  Caller stranger{"bo", "socket"};
  stranger.hint = "name one of its groups in socket_roles, or use a token";
  const auto refused = ask(router, "GET", "/a", stranger);
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("needs the role operator; bo has none: name one of its groups"), std::string::npos)
      << refused.body;
}

TEST(RouterTest, ATokenForAPartChangesNothingAsAWhole) {
  Router router;
  router.add(Access::Viewer, "GET", "/read", say("x"));
  router.add(Access::Operator, "POST", "/all", say("x"));
  router.add(Access::Operator, "POST", "/part", say("x"), Scoping::Checked);
  Caller bound{"ci", "token:1", Access::Admin};
  bound.scope = access::Scope{{"cart"}, {}};
  EXPECT_EQ(ask(router, "GET", "/read", bound).status, 200);
  EXPECT_EQ(ask(router, "POST", "/all", bound).status, 403);
  EXPECT_EQ(ask(router, "POST", "/part", bound).status, 200) << "its handler looks at the scope";
}

}  // namespace
}  // namespace loam::api
