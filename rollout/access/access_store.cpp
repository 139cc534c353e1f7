#include "rollout/access/access_store.h"

#include <algorithm>
#include <utility>

namespace loam::access {

namespace {

constexpr std::int64_t kDay = 86'400;

audit::Edit writing(const User& user) { return {std::string(kUserKind), user.name, std::nullopt, toJson(user)}; }
audit::Edit writing(const Token& token) { return {std::string(kTokenKind), token.id, std::nullopt, toJson(token)}; }

Error unknownUser(const std::string& name) { return {ErrorCode::NotFound, "there is no user \"" + name + "\""}; }

Error taken(const std::string& name) { return {ErrorCode::Conflict, "somebody is called \"" + name + "\" already"}; }

}  // namespace

Status AccessStore::load(const std::vector<audit::Document>& documents) {
  auto roster = std::make_shared<Roster>();
  for (const audit::Document& document : documents) LOAM_TRY(roster->put(document));
  const std::lock_guard lock(mutex_);
  roster_ = std::move(roster);
  return {};
}

std::shared_ptr<const Roster> AccessStore::roster() const {
  const std::lock_guard lock(mutex_);
  return roster_;
}

Status AccessStore::settle() {
  if (!inDoubt_) return {};
  const auto documents = ledger_.documents();
  if (!documents) return fail(documents.error());
  LOAM_TRY(load(*documents));
  inDoubt_ = false;
  return {};
}

Status AccessStore::write(std::span<const audit::Edit> edits, const std::optional<audit::Act>& act) {
  const auto done = ledger_.commit(edits, act);
  if (!done) {
    inDoubt_ = true;
    return fail(done.error());
  }
  auto next = std::make_shared<Roster>(*roster());
  for (const audit::Edit& edit : edits) {
    if (edit.body) {
      LOAM_TRY(next->put({edit.kind, edit.key, done->revision, *edit.body}));
    } else {
      next->remove(edit.kind, edit.key);
    }
  }
  const std::lock_guard lock(mutex_);
  roster_ = std::move(next);
  return {};
}

bool AccessStore::isProgram(std::string_view name) const {
  const auto now = roster();
  return std::any_of(now->tokens.begin(), now->tokens.end(),
                     [&](const auto& entry) { return entry.second.user.empty() && entry.second.name == name; });
}

Result<User> AccessStore::add(User user, const audit::Act& act) {
  LOAM_TRY(checkName(user.name));
  LOAM_TRY(settle());
  const auto now = roster();
  if (now->users.contains(user.name) || isProgram(user.name)) return fail(taken(user.name));
  if (now->users.size() >= kMostUsers) return fail(ErrorCode::Exhausted, "there are too many users");
  const audit::Edit edit = writing(user);
  LOAM_TRY(write({&edit, 1}, act));
  return user;
}

Result<User> AccessStore::set(const std::string& name, std::optional<Role> role, std::optional<bool> disabled,
                              const audit::Act& act) {
  LOAM_TRY(settle());
  const auto now = roster();
  const auto found = now->users.find(name);
  if (found == now->users.end()) return fail(unknownUser(name));
  User user = found->second;
  user.role = role.value_or(user.role);
  user.disabled = disabled.value_or(user.disabled);
  const audit::Edit edit = writing(user);
  LOAM_TRY(write({&edit, 1}, act));
  return user;
}

Status AccessStore::remove(const std::string& name, const audit::Act& act) {
  LOAM_TRY(settle());
  const auto now = roster();
  if (!now->users.contains(name)) return fail(unknownUser(name));
  std::vector<audit::Edit> edits;
  edits.push_back({std::string(kUserKind), name, std::nullopt, std::nullopt});
  for (const auto& [id, token] : now->tokens) {
    if (token.user == name) edits.push_back({std::string(kTokenKind), id, std::nullopt, std::nullopt});
  }
  return write(edits, act);
}

Result<MintedToken> AccessStore::create(Token wanted, const audit::Act& act) {
  LOAM_TRY(checkName(wanted.name));
  LOAM_TRY(settle());
  const auto now = roster();
  if (now->tokens.size() >= kMostTokens) return fail(ErrorCode::Exhausted, "there are too many tokens");
  if (wanted.user.empty()) {
    if (now->users.contains(wanted.name) || isProgram(wanted.name)) return fail(taken(wanted.name));
  } else {
    const auto user = now->users.find(wanted.user);
    if (user == now->users.end()) return fail(unknownUser(wanted.user));
    if (wanted.role > user->second.role) {
      return fail(ErrorCode::InvalidArgument, wanted.user + " is " + std::string(name(user->second.role)) +
                                                  ": no token of his can be " + std::string(name(wanted.role)));
    }
  }
  auto minted = mint(std::move(wanted), clock_.wall());
  if (!minted) return minted;
  std::vector<audit::Edit> edits{writing(minted->token)};
  if (minted->token.role == Role::Admin && minted->token.scope.isWhole() && !now->loopbackNeedsToken) {
    Json::Value closed(Json::objectValue);
    closed["tokens_only"] = true;
    edits.push_back({std::string(kAccessKind), std::string(kLoopbackKey), std::nullopt, std::move(closed)});
  }
  LOAM_TRY(write(edits, act));
  return minted;
}

Status AccessStore::revoke(const std::string& id, const audit::Act& act) {
  LOAM_TRY(settle());
  if (!roster()->tokens.contains(id)) return fail(ErrorCode::NotFound, "there is no token " + id);
  const audit::Edit edit{std::string(kTokenKind), id, std::nullopt, std::nullopt};
  return write({&edit, 1}, act);
}

void AccessStore::noteUses(const std::set<std::string>& ids) {
  if (ids.empty() || !settle()) return;
  const std::int64_t today = unixSeconds(clock_.wall()) / kDay * kDay;
  const auto now = roster();
  std::vector<audit::Edit> edits;
  for (const std::string& id : ids) {
    const auto found = now->tokens.find(id);
    if (found == now->tokens.end() || found->second.usedDay == today) continue;
    Token token = found->second;
    token.usedDay = today;
    edits.push_back(writing(token));
  }
  if (!edits.empty()) (void)write(edits, std::nullopt);  // its next use is noted again
}

}  // namespace loam::access
