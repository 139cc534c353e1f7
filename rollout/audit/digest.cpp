#include "rollout/audit/digest.h"

#include "proxy/base/json.h"
#include "proxy/base/sha256.h"

namespace loam::audit {

std::string digestOf(const Json::Value& value) { return sha256Hex(writeJson(value)); }

}  // namespace loam::audit
