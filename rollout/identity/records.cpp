#include "rollout/identity/records.h"

#include <utility>

namespace loam::identity {

namespace {

template <class T>
Status takeInto(KeptByKey<T>& all, const std::string& key, std::uint64_t revision,
                const std::optional<Json::Value>& body, Result<T> (*read)(const Json::Value&)) {
  if (!body) {
    all.erase(key);
    return {};
  }
  auto value = read(*body);
  if (!value) return fail(std::move(value).error());
  all.insert_or_assign(key, Kept<T>{*std::move(value), revision});
  return {};
}

Result<Json::Value> asItIs(const Json::Value& body) { return body; }

/// Whether a commit that failed like this was surely not written.
bool isSurelyUnwritten(ErrorCode code) {
  return code == ErrorCode::InvalidArgument || code == ErrorCode::Exhausted || code == ErrorCode::Timeout;
}

}  // namespace

void Records::clear() {
  tokens_.clear();
  certificates_.clear();
  authorities_.clear();
  denials_ = {};
  rotation_.reset();
}

Status Records::load() {
  const auto documents = ledger_.documents();
  if (!documents) return fail(documents.error());
  clear();
  for (const audit::Document& document : *documents) {
    Status taken = take(document.kind, document.key, document.revision, document.body);
    if (taken) continue;
    Error error = std::move(taken).error();
    error.context.insert(0, document.kind + " " + document.key + " in the ledger: ");
    return fail(std::move(error));
  }
  inDoubt_ = false;
  return {};
}

Status Records::take(const std::string& kind, const std::string& key, std::uint64_t revision,
                     const std::optional<Json::Value>& body) {
  if (kind == kJoinTokenKind) return takeInto(tokens_, key, revision, body, joinTokenFromJson);
  if (kind == kIssuedKind) return takeInto(certificates_, key, revision, body, issuedFromJson);
  if (kind == kHierarchyKind) return takeInto(authorities_, key, revision, body, asItIs);
  if (kind == kDenialKind) {
    denials_.remove(key);
    if (!body) return {};
    auto denial = denialFromJson(*body);
    if (!denial) return fail(std::move(denial).error());
    denials_.add(*std::move(denial));
  }
  if (kind == kRotationKind) {
    rotation_.reset();
    if (!body) return {};
    auto rotation = rotationFromJson(*body);
    if (!rotation) return fail(std::move(rotation).error());
    rotation_ = Kept<Rotation>{*std::move(rotation), revision};
  }
  return {};
}

Status Records::commit(std::span<const audit::Edit> edits, const std::optional<audit::Act>& act) {
  if (inDoubt_) LOAM_TRY(load());
  const auto done = ledger_.commit(edits, act);
  if (!done) {
    inDoubt_ = !isSurelyUnwritten(done.error().code);
    return fail(done.error());
  }
  if (!done->stale.empty()) {
    const audit::Stale& first = done->stale.front();
    LOAM_TRY(load());
    return fail(ErrorCode::Conflict, first.kind + " " + first.key + " was changed at this moment");
  }
  for (const audit::Edit& edit : edits) LOAM_TRY(take(edit.kind, edit.key, done->revision, edit.body));
  return {};
}

audit::Edit editOf(const JoinToken& token, std::uint64_t expected) {
  return {std::string(kJoinTokenKind), token.id, expected, toJson(token)};
}
audit::Edit editOf(const Issued& issued) { return {std::string(kIssuedKind), issued.serial, 0, toJson(issued)}; }
audit::Edit editOf(const Rotation& rotation, std::uint64_t expected) {
  return {std::string(kRotationKind), kRotationKey, expected, toJson(rotation)};
}
audit::Edit editOf(const Denial& denial) {
  return {std::string(kDenialKind), denial.key(), std::nullopt, toJson(denial)};
}
audit::Edit editOf(const Hierarchy& hierarchy, std::uint64_t expected) {
  return {std::string(kHierarchyKind), hierarchy.id(), expected, toJson(hierarchy)};
}
audit::Edit removal(std::string_view kind, std::string key) {
  return {std::string(kind), std::move(key), std::nullopt, std::nullopt};
}

}  // namespace loam::identity
