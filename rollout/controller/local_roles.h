#pragma once

#include "rollout/api/callers.h"
#include "rollout/controller/settings.h"

namespace loam::controller {

/// The groups by their numbers, and the users of /etc/passwd by their names. Asks the host's directory, and may wait
/// for it. InvalidArgument for a group that is not there.
Result<api::LocalRoles> localRoles(const SocketRoles& groups);

}  // namespace loam::controller
