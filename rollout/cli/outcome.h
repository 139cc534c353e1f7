#pragma once

#include <json/value.h>
#include <tl/expected.hpp>

#include <string>

#include "rollout/cli/exit_status.h"

namespace loam::cli {

/// Why a command cannot go on: what to end with and what to say.
struct Failure {
  ExitStatus status = kError;
  std::string text;
  Json::Value problem{};  ///< of the controller, where it was one
};
template <class T>
using Outcome = tl::expected<T, Failure>;

}  // namespace loam::cli
