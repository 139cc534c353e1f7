#pragma once

namespace loam::cli {

/// What `loam` ends with (DESIGN 9); in every man page.
enum ExitStatus : int {
  kOk = 0,
  kError = 1,
  kUsage = 2,
  kNotFound = 3,
  kConflict = 4,
  kNotReady = 5,
  kTimeout = 6,
  kWaiting = 7,
  kUnreachable = 8,
  kDenied = 9,
};

}  // namespace loam::cli
