#pragma once

#include <json/value.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "rollout/audit/ledger.h"
#include "rollout/identity/authority.h"
#include "rollout/identity/deny_list.h"
#include "rollout/identity/join_token.h"
#include "rollout/identity/rotation.h"

namespace loam::identity {

/// A document of the ledger, read, with the revision that the next edit of it has to expect.
template <class T>
struct Kept {
  T value;
  std::uint64_t revision = 0;
};
template <class T>
using KeptByKey = std::map<std::string, Kept<T>, std::less<>>;

/// All that the ledger holds of identities, in memory and in step with it. One thread.
class Records {
 public:
  /// `ledger` outlives it.
  explicit Records(audit::Ledger& ledger) : ledger_(ledger) {}

  /// Reads everything anew. InvalidArgument names a document that cannot be read.
  Status load();
  /// All edits or none. Conflict: somebody else had written one of them first, and all was read anew. Other errors are
  /// the ledger's; where one leaves the outcome open, the next commit reads first.
  Status commit(std::span<const audit::Edit> edits, const std::optional<audit::Act>& act);

  const KeptByKey<JoinToken>& tokens() const { return tokens_; }              ///< by id
  const KeptByKey<Issued>& certificates() const { return certificates_; }     ///< by serial
  const KeptByKey<Json::Value>& authorities() const { return authorities_; }  ///< by the root's SHA-256
  const DenyList& denials() const { return denials_; }
  const std::optional<Kept<Rotation>>& rotation() const { return rotation_; }

 private:
  Status take(const std::string& kind, const std::string& key, std::uint64_t revision,
              const std::optional<Json::Value>& body);
  void clear();

  audit::Ledger& ledger_;
  KeptByKey<JoinToken> tokens_;
  KeptByKey<Issued> certificates_;
  KeptByKey<Json::Value> authorities_;
  DenyList denials_;
  std::optional<Kept<Rotation>> rotation_;
  bool inDoubt_ = false;  // whether the last commit was written; the ledger says
};

/// The one rotation's key.
constexpr const char* kRotationKey = "root";

/// Edits as Records takes them in.
audit::Edit editOf(const JoinToken& token, std::uint64_t expected);
audit::Edit editOf(const Issued& issued);
audit::Edit editOf(const Rotation& rotation, std::uint64_t expected);
audit::Edit editOf(const Denial& denial);
audit::Edit editOf(const Hierarchy& hierarchy, std::uint64_t expected);
audit::Edit removal(std::string_view kind, std::string key);

}  // namespace loam::identity
