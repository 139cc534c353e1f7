#pragma once

#include <json/value.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/base/clock.h"
#include "proxy/base/result.h"
#include "rollout/access/role.h"
#include "rollout/access/scope.h"

namespace loam::access {

constexpr std::string_view kTokenPrefix = "loam-token-";

/// What is kept of a token that proves who asks: never the token itself, which is 256 random bits, so that its plain
/// hash gives nothing away.
struct Token {
  std::string id{};          ///< the first 16 digits of the hash: in lists and in the audit log
  std::string hash{};        ///< SHA-256 of the whole token, lower-case hex
  std::string name{};        ///< "ci-cart"; of a program, which has no user, it is who did it
  std::string user{};        ///< whose it is; empty: a program's
  Role role = Role::Viewer;  ///< at most; the user's where that is less
  Scope scope{};
  std::int64_t issued = 0;   ///< unix seconds
  std::int64_t expires = 0;  ///< from then on it is worth nothing; 0: never
  std::int64_t usedDay = 0;  ///< day of its last use, in unix seconds of its beginning; 0: never used

  bool operator==(const Token&) const = default;
  bool isExpired(std::int64_t now) const { return expires != 0 && now >= expires; }
};

struct MintedToken {
  std::string secret;  ///< "loam-token-" and 43 letters: shown once
  Token token;
};

/// Draws the secret of a token whose name, user, role, scope and end are given. Io when the kernel gives no random
/// bytes.
Result<MintedToken> mint(Token wanted, Wall now);
/// Under which id a presented token with that hash is kept.
std::string tokenId(std::string_view hash);

constexpr std::string_view kTokenKind = "token";
/// For its document; `id` is the key.
Json::Value toJson(const Token& token);
Result<Token> tokenFromJson(std::string id, const Json::Value& body);

}  // namespace loam::access
