#pragma once

#include <json/value.h>

#include <string>

#include "rollout/cli/session.h"

namespace loam::cli {

/// Prints the answer of /v1/identity for people.
void printIdentity(const Session& session, const Json::Value& identity);

/// Roots, intermediates, the controller's own and the proxies' certificates as one list "certificates"; `within`
/// seconds: only those in force that end by then, negative: all.
Json::Value certificatesOf(const Json::Value& identity, const Json::Value& issued, double within);
void printCertificates(const Session& session, const Json::Value& all);

/// "node-a, node-b": whom a change of roots waits for; empty: nobody.
std::string waitedFor(const Json::Value& rotation);

}  // namespace loam::cli
