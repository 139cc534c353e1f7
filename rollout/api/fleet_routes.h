#pragma once

#include "rollout/api/control.h"
#include "rollout/api/router.h"

namespace loam::api {

/// What a proxy's question is answered with. `proxy`: the name in its certificate; empty for a process of this host,
/// which may be any proxy. 403 when it asks in another's name (E13). Its Date says what its clock shows (D8).
io::Task<http::Response> answerWatch(fleet::Fleet& fleet, http::Request request, std::string proxy);

/// /v1/watch, which proxies ask; /v1/fleet and what it says of one proxy; /v1/progress of a change.
void addFleetRoutes(Router& router, const Control& control, io::EventLoop& loop);

/// /v1/fleet/{proxy}/drain and /resume: a proxy out of the way of new connections, and back.
void addDrainRoutes(Router& router, const Control& control);

}  // namespace loam::api
