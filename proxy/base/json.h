#pragma once

#include <json/value.h>

#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace loam {

/// Reads one JSON document, strictly: duplicate keys, comments, trailing commas, NaN, trailing text and more than
/// `maxDepth` levels are errors that name the line and column. Callers bound `text` first. Not for workers.
Result<Json::Value> parseJson(std::string_view text, int maxDepth = 64);

/// One line, keys sorted: the same value gives the same bytes.
std::string writeJson(const Json::Value& value);
/// The same for people: indented by two, with a newline at the end.
std::string writeJsonPretty(const Json::Value& value);

/// Typed reads of an object's member; the error names `key` and what was expected. Absent and null are NotFound.
Result<std::string> readString(const Json::Value& object, const char* key);
Result<std::int64_t> readInt(const Json::Value& object, const char* key);
Result<std::uint64_t> readUint(const Json::Value& object, const char* key);
Result<bool> readBool(const Json::Value& object, const char* key);

}  // namespace loam
