#pragma once

#include <json/value.h>

#include <string>

namespace loam::audit {

/// SHA-256 of the canonical JSON of a value (writeJson: no white space, members in the order of their names), in
/// lower-case hex.
std::string digestOf(const Json::Value& value);

}  // namespace loam::audit
