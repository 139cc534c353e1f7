#pragma once

#include <optional>
#include <string>

#include "proxy/wire/snapshot.h"

namespace loam::server {

/// The last snapshot that this proxy acknowledged, on its disk: what it starts from when nobody answers. One line with
/// the SHA-256 of the next, which is the snapshot. One thread.
class SnapshotFile {
 public:
  explicit SnapshotFile(std::string path) : path_(std::move(path)) {}

  /// Nothing when there is no file; Protocol when its checksum or its content is wrong, which leaves it where it is.
  Result<std::optional<wire::Snapshot>> load() const;
  /// On the disk when it returns.
  Status store(const wire::Snapshot& snapshot) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace loam::server
