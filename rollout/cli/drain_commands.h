#pragma once

#include <CLI/CLI.hpp>
#include <json/value.h>

#include <string>

#include "rollout/cli/session.h"

namespace loam::cli {

/// "draining, 3 open", "drained", "to be drained": of the `drain` that the controller says of a proxy; empty when it is
/// none of these.
std::string drainText(const Json::Value& drain);

/// Lines of `loam proxy describe` about it; none where there is nothing to say.
void printDrain(const Session& session, const Json::Value& drain);

/// `drain` and `resume` under the noun `proxy`. `session` outlives it.
void addDrainCommands(CLI::App& proxy, Session& session);

}  // namespace loam::cli
