#pragma once

#include <optional>
#include <vector>

#include "proxy/http/message.h"
#include "rollout/api/caller.h"
#include "rollout/flags/flag.h"

namespace loam::api {

/// 403 with the `cells` that the caller's token may not change; nothing when it may change them all. An empty service
/// or feature means every one.
std::optional<http::Response> refuseOutside(const Caller& caller, const std::vector<flags::Cell>& cells);

}  // namespace loam::api
