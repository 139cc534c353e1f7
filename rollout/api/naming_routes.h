#pragma once

#include "rollout/api/background.h"
#include "rollout/api/router.h"
#include "rollout/audit/ledger.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// Adds PUT /v1/nodes/{node}/name: the operator's names, which are in the record, and in the ledger with who gave them.
/// Runs on `writer`, where the record is written, one after the other; everything outlives the router.
void addNamingRoutes(Router& router, record::Recorder& recorder, audit::Ledger& ledger, Background& writer);

/// A document of the ledger for each thing that was ever named: {name, before, by}. The record alone says what is
/// called how; this says who wanted it.
constexpr std::string_view kNodeNameKind = "node_name";

}  // namespace loam::api
