#pragma once

#include <filesystem>
#include <optional>

#include "proxy/server/identity.h"

namespace loam::server {

/// The proxy's identity on its disk, key included: one file in a directory of its own (mode 0700), replaced as a whole.
/// One line with the SHA-256 of the next, which is the identity. One thread.
class IdentityFile {
 public:
  explicit IdentityFile(const std::filesystem::path& stateDirectory) : directory_(stateDirectory / "identity") {}

  /// Nothing when there is none; Protocol when its checksum or its content is wrong, which leaves it where it is. No
  /// error quotes the key.
  Result<std::optional<Identity>> load() const;
  /// On the disk when it returns; makes the directory.
  Status store(const Identity& identity) const;
  std::string path() const { return directory_ / "current"; }

 private:
  std::filesystem::path directory_;
};

}  // namespace loam::server
