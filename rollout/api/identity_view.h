#pragma once

#include <json/value.h>

#include "rollout/identity/identities.h"

namespace loam::api {

/// The forms in which people and programs see identities; times are RFC 3339, and beside each end stands how many
/// seconds are left.
Json::Value view(const identity::Standing& standing, const std::vector<identity::Acknowledgement>& live,
                 std::int64_t now);
/// By name, the newest of each first.
Json::Value viewCertificates(const identity::Records& records, std::int64_t now);
Json::Value view(const identity::JoinToken& token, std::int64_t now);
Json::Value view(const identity::Denial& denial);

}  // namespace loam::api
