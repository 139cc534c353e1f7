#pragma once

#include <memory>
#include <string>

#include "proxy/base/yaml.h"
#include "rollout/identity/identities.h"

namespace loam::controller {

/// Where the authority's keys are, and what seals them.
struct AuthoritySettings {
  std::string directory;       ///< mode 0700; made when it is not there
  std::string passphraseFile;  ///< empty: a systemd credential, or else a key file in the directory
  std::string intermediate;    ///< of another authority, with `root` and `key`; empty: Loam makes its own
  std::string root;
  std::string key;
};

/// Reads the mapping "authority" into `settings`.
void readAuthority(YamlMapping& from, AuthoritySettings& settings);

/// Opens the authority, or makes it. A program that does so keeps itself out of core dumps and debuggers first
/// (PR_SET_DUMPABLE 0, D11).
Result<std::unique_ptr<identity::Identities>> openIdentities(const AuthoritySettings& settings,
                                                             const std::string& trustDomain, audit::Ledger& ledger,
                                                             const Clock& clock, Log& log);

}  // namespace loam::controller
