#pragma once

#include <string>

#include "proxy/base/error.h"
#include "rollout/cli/session.h"

namespace loam::cli {

/// What an error of the guard's socket means for the person who asked.
Failure guardFailure(const std::string& socket, const Error& error);

}  // namespace loam::cli
