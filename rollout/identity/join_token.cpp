#include "rollout/identity/join_token.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "proxy/base/json.h"
#include "proxy/base/sha256.h"
#include "proxy/tls/openssl.h"

namespace loam::identity {

namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kIdDigits = 16;

/// RFC 4648 section 5, without padding.
std::string base64Url(std::span<const std::uint8_t> bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  while (text.ends_with('=')) text.pop_back();
  return text;
}

}  // namespace

Result<MintedToken> mintJoinToken(const std::string& name, Wall now, seconds life) {
  std::array<std::uint8_t, kSecretBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    return fail(tls::libraryError(ErrorCode::Io, "drawing a join token"));
  }
  MintedToken minted;
  minted.secret = std::string(kJoinTokenPrefix) + base64Url(random);
  OPENSSL_cleanse(random.data(), random.size());
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
  if (kept == nullptr || kept->hash.size() != hash.size() ||
      CRYPTO_memcmp(kept->hash.data(), hash.data(), hash.size()) != 0) {
    return JoinVerdict::Unknown;
  }
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
