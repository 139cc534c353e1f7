#pragma once

#include <string>
#include <vector>

#include "rollout/cli/completion.h"
#include "rollout/cli/session.h"

namespace loam::cli {

/// Names that the controller knows; none when it does not answer within a second. `before`: the positional words
/// already typed.
std::vector<std::string> namesFor(Session& session, NameKind kind, const std::vector<std::string>& before);

}  // namespace loam::cli
