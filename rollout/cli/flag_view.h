#pragma once

#include <json/value.h>

#include <string>

#include "rollout/cli/session.h"

namespace loam::cli {

/// "sampled 10 %", "off (killed)", "on".
std::string stageText(const Json::Value& flag);
/// What one event of the audit log did to a flag: "stage simulate -> on, percent 100 -> 25".
std::string patchText(const Json::Value& patch);
/// Before and after of each flag of a change, what it needs, and what stands against it.
void printPreview(const Session& session, const Json::Value& change);
/// What a change met that was not applied: the problem's errors, and what moved since.
void explainRefusal(const Session& session, const Json::Value& problem);

/// Waits until a revision is in effect at every proxy that carries the service, saying how far it is; kTimeout after
/// `timeout` seconds, kNotReady when a proxy refuses it.
int awaitEffect(const Session& session, const std::string& service, std::uint64_t revision, std::int64_t timeout);

}  // namespace loam::cli
