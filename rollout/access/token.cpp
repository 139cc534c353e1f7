#include "rollout/access/token.h"

#include <utility>

#include "proxy/base/json.h"
#include "proxy/base/sha256.h"
#include "rollout/identity/secret.h"

namespace loam::access {

Result<MintedToken> mint(Token wanted, Wall now) {
  auto secret = identity::drawSecret(kTokenPrefix);
  if (!secret) return fail(std::move(secret).error());
  wanted.hash = sha256Hex(*secret);
  wanted.id = tokenId(wanted.hash);
  wanted.issued = unixSeconds(now);
  wanted.usedDay = 0;
  return MintedToken{*std::move(secret), std::move(wanted)};
}

std::string tokenId(std::string_view hash) {
  constexpr std::size_t kDigits = 16;
  return std::string(hash.substr(0, kDigits));
}

Json::Value toJson(const Token& token) {
  Json::Value body(Json::objectValue);
  body["hash"] = token.hash;
  body["name"] = token.name;
  body["user"] = token.user;
  body["role"] = std::string(name(token.role));
  body["scope"] = toJson(token.scope);
  body["issued"] = Json::Int64(token.issued);
  body["expires"] = Json::Int64(token.expires);
  body["used_day"] = Json::Int64(token.usedDay);
  return body;
}

Result<Token> tokenFromJson(std::string id, const Json::Value& body) {
  Token token;
  token.id = std::move(id);
  std::string role;
  for (const auto& [key, place] : {std::pair("hash", &token.hash), std::pair("name", &token.name),
                                   std::pair("user", &token.user), std::pair("role", &role)}) {
    auto text = readString(body, key);
    if (!text) return fail(std::move(text).error());
    *place = *std::move(text);
  }
  const auto known = parseRole(role);
  if (!known) return fail(ErrorCode::InvalidArgument, "role: there is no \"" + role + "\"");
  token.role = *known;
  auto scope = scopeFromJson(body["scope"]);
  if (!scope) return fail(std::move(scope).error());
  token.scope = *std::move(scope);
  for (const auto& [key, place] : {std::pair("issued", &token.issued), std::pair("expires", &token.expires),
                                   std::pair("used_day", &token.usedDay)}) {
    const auto number = readInt(body, key);
    if (!number) return fail(number.error());
    *place = *number;
  }
  return token;
}

}  // namespace loam::access
