#pragma once

#include <string>
#include <vector>

#include "shadow/graph/flow.h"

namespace loam::controller {

/// What the operator's catalogue (YAML, see shadow/observe/catalogue.h) says of addresses, as evidence of the record.
/// All problems of the file at once, with their places.
Result<std::vector<graph::Claim>> catalogueClaims(const std::string& path);

}  // namespace loam::controller
