#include "rollout/access/roster.h"

#include <algorithm>
#include <utility>

#include "proxy/base/json.h"
#include "proxy/base/sha256.h"
#include "rollout/identity/secret.h"

namespace loam::access {

Status Roster::put(const audit::Document& document) {
  if (document.kind == kUserKind) {
    auto user = userFromJson(document.key, document.body);
    if (!user) return fail(std::move(user).error());
    users[document.key] = *std::move(user);
  } else if (document.kind == kTokenKind) {
    auto token = tokenFromJson(document.key, document.body);
    if (!token) return fail(std::move(token).error());
    tokens[document.key] = *std::move(token);
  } else if (document.kind == kAccessKind && document.key == kLoopbackKey) {
    loopbackNeedsToken = true;
  }
  return {};
}

void Roster::remove(std::string_view kind, const std::string& key) {
  if (kind == kUserKind) users.erase(key);
  if (kind == kTokenKind) tokens.erase(key);
}

std::optional<Bearer> Roster::bearer(std::string_view presented, std::int64_t now) const {
  const std::string hash = sha256Hex(presented);
  const auto found = tokens.find(tokenId(hash));
  if (found == tokens.end() || !identity::sameSecret(found->second.hash, hash)) return std::nullopt;
  return bearerOf(found->second, now);
}

std::optional<Bearer> Roster::bearerOf(const Token& token, std::int64_t now) const {
  if (token.isExpired(now)) return std::nullopt;
  if (token.user.empty()) return Bearer{token.name, token.id, token.role, token.scope};
  const auto user = users.find(token.user);
  if (user == users.end() || user->second.disabled) return std::nullopt;
  return Bearer{token.user, token.id, std::min(token.role, user->second.role), token.scope};
}

bool Roster::hasAdmin(std::int64_t now) const {
  return std::any_of(tokens.begin(), tokens.end(), [&](const auto& entry) {
    const auto bearer = bearerOf(entry.second, now);
    return bearer && bearer->role == Role::Admin && bearer->scope.isWhole();
  });
}

}  // namespace loam::access
