#pragma once

#include "rollout/api/control.h"
#include "rollout/api/router.h"

namespace loam::api {

/// /v1/webhooks: how it is with those of controller.yaml, and a test of one. `loop` outlives the router.
void addWebhookRoutes(Router& router, const Control& control, io::EventLoop& loop);

}  // namespace loam::api
