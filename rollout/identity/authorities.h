#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "rollout/identity/authority.h"
#include "rollout/identity/key_vault.h"
#include "rollout/identity/records.h"

namespace loam::identity {

/// Files of an intermediate that another authority signed; all three or none.
struct BroughtFiles {
  std::filesystem::path intermediate{};  ///< PEM
  std::filesystem::path root{};          ///< PEM: who signed it
  std::filesystem::path key{};           ///< of the intermediate: PKCS#8 in PEM, not readable by the world

  bool given() const { return !intermediate.empty(); }
};

/// Reads and judges them; each problem names its file.
Result<Hierarchy> readBrought(const BroughtFiles& files, Wall now);

/// The authorities whose keys the controller holds: one, and during a rotation two. One thread.
class Authorities {
 public:
  /// `clock` outlives it.
  Authorities(KeyVault vault, std::string trustDomain, const Clock& clock)
      : vault_(std::move(vault)), trustDomain_(std::move(trustDomain)), clock_(clock) {}

  /// Those of the ledger, with their keys.
  Status load(const KeptByKey<Json::Value>& documents);
  /// Null for a root that is not held.
  const Authority* find(const std::string& root) const;

  /// Puts the keys into the vault. Before the ledger learns of it: what stands there can always be loaded.
  Status seal(const Hierarchy& hierarchy) const { return storeKeys(hierarchy, vault_); }
  /// Holds it from now on, in place of one of the same root whose intermediate's key is removed.
  void take(Hierarchy hierarchy);
  /// Removes its keys for good.
  Status forget(const std::string& root, const Json::Value& document);

 private:
  KeyVault vault_;
  std::string trustDomain_;
  const Clock& clock_;
  std::map<std::string, Authority> held_;  // by the root's SHA-256
};

}  // namespace loam::identity
