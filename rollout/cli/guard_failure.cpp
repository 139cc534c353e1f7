#include "rollout/cli/guard_failure.h"

namespace loam::cli {

Failure guardFailure(const std::string& socket, const Error& error) {
  switch (error.code) {
    case ErrorCode::Refused:
    case ErrorCode::NotFound:
    case ErrorCode::Unreachable:
    case ErrorCode::Closed:
      return {kUnreachable, "no guard answers at " + socket + " (" + error.context +
                                "); start loam-guard as root, or name another by --guard or LOAM_HOME"};
    case ErrorCode::Denied:
      return {kDenied, error.context};
    case ErrorCode::Timeout:
      return {kTimeout, "the guard at " + socket + " did not answer in time"};
    case ErrorCode::Conflict:
      return {kConflict, error.context};
    case ErrorCode::InvalidArgument:
      return {kUsage, error.context};
    default:
      return {kError, error.context};
  }
}

}  // namespace loam::cli
