#pragma once

#include "rollout/features/ground.h"
#include "rollout/flags/flag.h"
#include "rollout/fleet/reach.h"

namespace loam::fleet {

/// The callers of a service in a graph, one a name; the counts of all its edges added up. Connections that nobody
/// looked at count as plaintext. Pure.
std::vector<features::CallerRecord> callerRecordsOf(const graph::Graph& record, const std::string& service);

/// What a rise of `before` stands on: `record` is the whole of the record around its service. An instance has what is
/// wanted when each proxy at its side acknowledged `before` and knows its stage. Pure.
features::Ground groundOf(const flags::Flag& before, const Sight& sight, const graph::Graph& record, std::int64_t now);

}  // namespace loam::fleet
