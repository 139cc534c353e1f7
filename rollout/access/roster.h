#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "rollout/access/token.h"
#include "rollout/access/user.h"
#include "rollout/audit/ledger.h"

namespace loam::access {

/// Who a good token proves somebody to be.
struct Bearer {
  std::string who;      ///< the user, or the name of a program's token
  std::string tokenId;  ///< for the audit log
  Role role = Role::Viewer;
  Scope scope;
};

/// Everybody who has a role, as it stands at one moment. A value: readers share one that is never changed.
struct Roster {
  std::map<std::string, User, std::less<>> users;
  std::map<std::string, Token, std::less<>> tokens;  ///< by id
  /// There has been an admin's token: from then on nobody on loopback may do anything without one, also when that one
  /// expires or is revoked. The Unix socket is the way back.
  bool loopbackNeedsToken = false;

  /// Takes a document of one of its kinds (another kind is ignored), or the news that it is gone.
  Status put(const audit::Document& document);
  void remove(std::string_view kind, const std::string& key);

  /// Who shows this; nothing for what is worth nothing at `now` (unix seconds), whatever the reason.
  std::optional<Bearer> bearer(std::string_view presented, std::int64_t now) const;
  /// Whether a token that is good at `now` lets somebody say who may do what, and is bound to no scope.
  bool hasAdmin(std::int64_t now) const;

 private:
  std::optional<Bearer> bearerOf(const Token& token, std::int64_t now) const;
};

/// {"tokens_only": true} under the key "loopback".
constexpr std::string_view kAccessKind = "access";
constexpr std::string_view kLoopbackKey = "loopback";

}  // namespace loam::access
