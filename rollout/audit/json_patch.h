#pragma once

#include <json/value.h>

#include <optional>

namespace loam::audit {

/// RFC 6902 patch that leads from `before` to `after`: `test`, `remove`, `replace` and `add` with JSON pointers, in the
/// order of the members' names; objects are compared member by member, arrays as a whole. Empty array when they are
/// equal. Null as a whole document stands for none: made by one `add`, taken away by `test` and `remove`.
Json::Value diffJson(const Json::Value& before, const Json::Value& after);

/// `before` again, from `after` and the patch that diffJson() made of the two; nothing when they do not fit each other.
std::optional<Json::Value> undoPatch(Json::Value after, const Json::Value& patch);

}  // namespace loam::audit
