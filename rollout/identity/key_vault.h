#pragma once

#include <filesystem>
#include <string>

#include "proxy/tls/key_pair.h"
#include "rollout/identity/sealed_key.h"

namespace loam::identity {

/// Private keys at rest: a sealed file each, mode 0600, in one directory. Backups and exports leave it out (D11).
/// Blocks for the disk and for scrypt (0.1 s a key): the start of a program, and its rare changes of keys.
class KeyVault {
 public:
  /// The directory has to be there.
  KeyVault(std::filesystem::path directory, SealingSecret secret, SealingCost cost = {})
      : directory_(std::move(directory)), secret_(std::move(secret)), cost_(cost) {}

  /// `name` is a fingerprint: lower-case hex. Replaces what there was.
  Status store(const std::string& name, const tls::KeyPair& key) const;
  /// NotFound when there is none, Denied for another passphrase; each with the file's name.
  Result<tls::KeyPair> load(const std::string& name) const;
  /// Of an authority that is retired; none to remove is fine.
  Status remove(const std::string& name) const;

 private:
  std::filesystem::path pathOf(const std::string& name) const { return directory_ / (name + ".key"); }

  std::filesystem::path directory_;
  SealingSecret secret_;
  SealingCost cost_;
};

}  // namespace loam::identity
