#pragma once

#include <json/value.h>

#include <string>

namespace loam::cli {

/// The document as YAML, keys sorted; texts are quoted where YAML would read something else.
std::string writeYaml(const Json::Value& document);

}  // namespace loam::cli
