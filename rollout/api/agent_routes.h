#pragma once

#include "rollout/api/agent_tally.h"
#include "rollout/api/control.h"
#include "rollout/api/router.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// All that the agents' port answers: /v1/join for anyone, and /v1/renew, /v1/watch and /v1/reports for proxies, each
/// in its own name. `control.identities` is there; everything outlives the router.
void addAgentRoutes(Router& router, const Control& control, record::Recorder& recorder, Background& recordWriter,
                    AgentTally& tally);

}  // namespace loam::api
