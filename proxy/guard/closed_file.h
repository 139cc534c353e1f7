#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/guard/closed_endpoint.h"

namespace loam::guard {

/// Where the guard keeps, across restarts, what is closed to plaintext: lines that a person can read, replaced as a
/// whole. Blocking, one small file.
class ClosedFile {
 public:
  struct Content {
    std::vector<ClosedWay> ways;
    bool opened = false;  ///< the operator has opened all, until capture is applied again
  };

  explicit ClosedFile(std::string path) : path_(std::move(path)) {}

  /// nullopt when there is none. Protocol, with the line, for what store() has not written.
  Result<std::optional<Content>> load() const;
  /// No ways are no file, so that opening works on a disk that is full.
  Status store(const Content& content) const;
  /// Out of the way, as PATH.damaged.
  void setAside() const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace loam::guard
