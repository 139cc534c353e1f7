#include "rollout/identity/join_token.h"

#include <array>
#include <utility>

#include "proxy/base/json.h"
#include "proxy/base/sha256.h"
#include "rollout/identity/secret.h"

namespace loam::identity {

namespace {

constexpr std::size_t kIdDigits = 16;

}  // namespace

Result<MintedToken> mintJoinToken(const std::string& name, Wall now, seconds life) {
  auto secret = drawSecret(kJoinTokenPrefix);
  if (!secret) return fail(std::move(secret).error());
  MintedToken minted;
  minted.secret = *std::move(secret);
  minted.token.hash = sha256Hex(minted.secret);
  minted.token.id = minted.token.hash.substr(0, kIdDigits);
  minted.token.name = name;
  minted.token.issued = unixSeconds(now);
  minted.token.expires = minted.token.issued + life.count();
  return minted;
}

std::string joinTokenId(std::string_view presented) { return sha256Hex(presented).substr(0, kIdDigits); }

std::string_view name(JoinVerdict verdict) {
  constexpr std::array<std::string_view, 5> kNames = {"good", "unknown", "used", "expired", "other_name"};
  return kNames[static_cast<std::size_t>(verdict)];
}

JoinVerdict check(const JoinToken* kept, std::string_view presented, std::string_view name, Wall now) {
  const std::string hash = sha256Hex(presented);
  if (kept == nullptr || !sameSecret(kept->hash, hash)) return JoinVerdict::Unknown;
  if (kept->used != 0) return JoinVerdict::Used;
  if (unixSeconds(now) >= kept->expires) return JoinVerdict::Expired;
  return kept->name == name ? JoinVerdict::Good : JoinVerdict::OtherName;
}

Json::Value toJson(const JoinToken& token) {
  Json::Value body(Json::objectValue);
  body["id"] = token.id;
  body["hash"] = token.hash;
  body["name"] = token.name;
  body["issued"] = Json::Int64(token.issued);
  body["expires"] = Json::Int64(token.expires);
  body["used"] = Json::Int64(token.used);
  if (token.refused != 0) body["refused"] = Json::Int64(token.refused);
  return body;
}

Result<JoinToken> joinTokenFromJson(const Json::Value& body) {
  JoinToken token;
  for (const auto& [key, member] :
       {std::pair("id", &JoinToken::id), std::pair("hash", &JoinToken::hash), std::pair("name", &JoinToken::name)}) {
    auto text = readString(body, key);
    if (!text) return fail(std::move(text).error());
    token.*member = *std::move(text);
  }
  for (const auto& [key, member] : {std::pair("issued", &JoinToken::issued), std::pair("expires", &JoinToken::expires),
                                    std::pair("used", &JoinToken::used)}) {
    const auto number = readInt(body, key);
    if (!number) return fail(number.error());
    token.*member = *number;
  }
  if (body.isMember("refused")) {
    const auto refused = readInt(body, "refused");
    if (!refused) return fail(refused.error());
    token.refused = *refused;
  }
  return token;
}

}  // namespace loam::identity
