#include "rollout/api/access_routes.h"

#include <algorithm>
#include <utility>

#include "proxy/base/utc.h"
#include "rollout/api/problem.h"
#include "rollout/api/times.h"
#include "rollout/features/feature.h"

namespace loam::api {

namespace {

using access::AccessStore;
using http::Response;

constexpr std::size_t kMostName = 64;
constexpr const char* kTokenLife = "+90d";

Json::Value view(const access::User& user) {
  Json::Value out = toJson(user);
  out["name"] = user.name;
  return out;
}

/// Without its hash, which is nobody's business.
Json::Value view(const access::Token& token, std::int64_t now) {
  constexpr std::size_t kDate = 10;
  Json::Value out(Json::objectValue);
  out["id"] = token.id;
  out["name"] = token.name;
  out["user"] = token.user;
  out["role"] = std::string(name(token.role));
  out["scope"] = toJson(token.scope);
  out["issued"] = utcText(token.issued);
  out["expires"] = token.expires == 0 ? "never" : utcText(token.expires);
  out["expired"] = token.isExpired(now);
  out["last_used"] = token.usedDay == 0 ? "" : utcText(token.usedDay).substr(0, kDate);
  return out;
}

std::optional<access::Role> readRole(Fields& fields) {
  const auto role = fields.oneOf("role", access::roleNames());
  return role ? access::parseRole(*role) : std::nullopt;
}

std::string readName(Fields& fields) {
  fields.require("name");
  std::string name = fields.text("name", kMostName).value_or("");
  const Status formed = access::checkName(name);
  if (fields.has("name") && !formed) fields.problem("name", formed.error().context);
  return name;
}

Response listUsers(const AccessStore& access) {
  Json::Value out(Json::objectValue);
  out["users"] = Json::Value(Json::arrayValue);
  const auto roster = access.roster();
  for (const auto& [name, user] : roster->users) out["users"].append(view(user));
  return ok(out);
}

Response addUser(AccessStore& access, const Call& call) {
  Ask ask(call, "user.add", {"name", "role"});
  access::User user;
  user.name = readName(ask.fields());
  ask.fields().require("role");
  user.role = readRole(ask.fields()).value_or(access::Role::Viewer);
  if (auto refused = ask.refuse()) return *std::move(refused);
  const auto added = access.add(std::move(user), ask.act());
  if (!added) return problem(added.error());
  Response response = ok(view(*added));
  response.status = 201;
  response.headers.emplace_back("Location", "/v1/users/" + added->name);
  return response;
}

Response setUser(AccessStore& access, const Call& call) {
  Ask ask(call, "user.set", {"role", "disabled"});
  const auto role = readRole(ask.fields());
  const auto disabled = ask.fields().boolean("disabled");
  if (auto refused = ask.refuse()) return *std::move(refused);
  const auto set = access.set(call.names.at("user"), role, disabled, ask.act());
  return set ? ok(view(*set)) : problem(set.error());
}

Response removeUser(AccessStore& access, const Call& call) {
  Ask ask(call, "user.remove", {});
  if (auto refused = ask.refuse()) return *std::move(refused);
  const Status removed = access.remove(call.names.at("user"), ask.act());
  return removed ? Response{.status = 204} : problem(removed.error());
}

Response listTokens(const AccessStore& access, std::int64_t now) {
  Json::Value out(Json::objectValue);
  out["tokens"] = Json::Value(Json::arrayValue);
  const auto roster = access.roster();
  for (const auto& [id, token] : roster->tokens) out["tokens"].append(view(token, now));
  return ok(out);
}

access::Scope readScope(Fields& fields) {
  access::Scope scope{fields.texts("services", 1000), fields.texts("features", 1000)};
  for (const std::string& feature : scope.features) {
    if (features::find(feature) == nullptr) fields.problem("features", "there is no feature \"" + feature + "\"");
  }
  const bool hasEmpty = std::find(scope.services.begin(), scope.services.end(), "") != scope.services.end();
  if (hasEmpty) fields.problem("services", "expected names");
  std::sort(scope.services.begin(), scope.services.end());
  std::sort(scope.features.begin(), scope.features.end());
  return scope;
}

Response createToken(AccessStore& access, const Call& call, std::int64_t now) {
  Ask ask(call, "token.create", {"name", "user", "role", "services", "features", "expires"});
  Fields& fields = ask.fields();
  access::Token wanted;
  wanted.name = readName(fields);
  wanted.user = fields.text("user", kMostName).value_or("");
  fields.require("role");
  wanted.role = readRole(fields).value_or(access::Role::Viewer);
  wanted.scope = readScope(fields);
  const std::string expires = fields.text("expires", kMostName).value_or(kTokenLife);
  const auto time = expires == "never" ? Result<std::int64_t>(0) : parseTime(expires, now);
  if (!time) fields.problem("expires", time.error().context);
  if (time && *time != 0 && *time <= now) fields.problem("expires", "that time is over");
  if (auto refused = ask.refuse()) return *std::move(refused);
  wanted.expires = *time;
  const auto minted = access.create(std::move(wanted), ask.act());
  if (!minted) return problem(minted.error());
  Json::Value out = view(minted->token, now);
  out["secret"] = minted->secret;
  Response response = ok(out);
  response.status = 201;
  return response;
}

Response revokeToken(AccessStore& access, const Call& call) {
  Ask ask(call, "token.revoke", {});
  if (auto refused = ask.refuse()) return *std::move(refused);
  const Status revoked = access.revoke(call.names.at("token"), ask.act());
  return revoked ? Response{.status = 204} : problem(revoked.error());
}

}  // namespace

void addAccessRoutes(Router& router, const Control& control, AccessStore& access) {
  using Answer = std::function<Response(AccessStore&, const Call&, std::int64_t now)>;
  const auto add = [&](const char* method, const char* pattern, Answer answer) {
    Background& thread = std::string_view(method) == "GET" ? control.reader : control.writer;
    router.add(Access::Admin, method, pattern, [control, &access, &thread, answer](const Call& call) {
      return thread.run(
          [control, &access, call, answer] { return answer(access, call, unixSeconds(control.clock.wall())); });
    });
  };
  add("GET", "/v1/users", [](AccessStore& to, const Call&, std::int64_t) { return listUsers(to); });
  add("POST", "/v1/users", [](AccessStore& to, const Call& call, std::int64_t) { return addUser(to, call); });
  add("PATCH", "/v1/users/{user}", [](AccessStore& to, const Call& call, std::int64_t) { return setUser(to, call); });
  add("DELETE", "/v1/users/{user}",
      [](AccessStore& to, const Call& call, std::int64_t) { return removeUser(to, call); });
  add("GET", "/v1/tokens", [](AccessStore& to, const Call&, std::int64_t now) { return listTokens(to, now); });
  add("POST", "/v1/tokens", createToken);
  add("DELETE", "/v1/tokens/{token}",
      [](AccessStore& to, const Call& call, std::int64_t) { return revokeToken(to, call); });
}

void addWhoamiRoute(Router& router, std::function<bool()> isLoopbackOpen) {
  router.add(Access::Viewer, "GET", "/v1/whoami", [isLoopbackOpen](const Call& call) -> io::Task<Response> {
    Json::Value out(Json::objectValue);
    out["who"] = call.caller.who;
    out["via"] = call.caller.via;
    out["role"] = std::string(name(call.caller.role));
    out["scope"] = toJson(call.caller.scope.value_or(access::Scope()));
    out["loopback_open"] = isLoopbackOpen();
    co_return ok(out);
  });
}

}  // namespace loam::api
