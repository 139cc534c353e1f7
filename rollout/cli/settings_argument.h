#pragma once

#include <json/value.h>

#include <string>

#include "rollout/cli/outcome.h"

namespace loam::cli {

/// The settings that somebody typed: JSON where the text begins with '{', else the name of a file of YAML or JSON, "-"
/// for stdin. A usage error says what is wrong with them, of a file by line and column.
Outcome<Json::Value> readSettings(const std::string& typed);

}  // namespace loam::cli
