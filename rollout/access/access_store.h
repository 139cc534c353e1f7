#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "rollout/access/roster.h"
#include "rollout/audit/ledger.h"

namespace loam::access {

/// The one who writes users and tokens; each change is on the disk, with its audit event, before it counts. roster()
/// may be asked by any thread; all else is the control thread's. Errors beside those that are named are the ledger's.
class AccessStore {
 public:
  static constexpr std::size_t kMostUsers = 10'000;
  static constexpr std::size_t kMostTokens = 10'000;

  /// Both outlive it.
  AccessStore(audit::Ledger& ledger, const Clock& clock) : ledger_(ledger), clock_(clock) {}

  Status load(const std::vector<audit::Document>& documents);

  /// As it stands now.
  std::shared_ptr<const Roster> roster() const;

  /// Conflict when somebody is called so already: a user, or a program's token.
  Result<User> add(User user, const audit::Act& act);
  /// Changes what is given. NotFound.
  Result<User> set(const std::string& name, std::optional<Role> role, std::optional<bool> disabled,
                   const audit::Act& act);
  /// With all tokens of his. NotFound.
  Status remove(const std::string& name, const audit::Act& act);

  /// Draws a token. NotFound for a user who is not there, InvalidArgument for a role above his, Conflict for a name
  /// that a user or another program's token has. The first admin's token closes loopback to everybody without one.
  Result<MintedToken> create(Token wanted, const audit::Act& act);
  /// It is worth nothing from now on, and forgotten but for the audit log. NotFound.
  Status revoke(const std::string& id, const audit::Act& act);

  /// Keeps the day of use of these tokens, at most once a day each; that is nobody's act.
  void noteUses(const std::set<std::string>& ids);

 private:
  /// Reads all anew where the last commit may or may not have been written.
  Status settle();
  /// Writes, and makes what was written count.
  Status write(std::span<const audit::Edit> edits, const std::optional<audit::Act>& act);
  /// Whether a program's token is called so.
  bool isProgram(std::string_view name) const;

  audit::Ledger& ledger_;
  const Clock& clock_;
  bool inDoubt_ = false;  // whether the last commit was written; the ledger says
  mutable std::mutex mutex_;
  std::shared_ptr<const Roster> roster_ = std::make_shared<const Roster>();
};

}  // namespace loam::access
