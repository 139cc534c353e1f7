#include "proxy/base/json.h"

#include <json/reader.h>
#include <json/writer.h>

#include <algorithm>
#include <exception>
#include <memory>

namespace loam {

Result<Json::Value> parseJson(std::string_view text, int maxDepth) {
  Json::CharReaderBuilder builder;
  Json::CharReaderBuilder::strictMode(&builder.settings_);
  builder.settings_["stackLimit"] = maxDepth;
  builder.settings_["strictRoot"] = false;
  builder.settings_["allowSpecialFloats"] = false;
  const std::unique_ptr<Json::CharReader> reader(builder.newCharReader());
  Json::Value value;
  std::string errors;
  try {
    if (reader->parse(text.data(), text.data() + text.size(), &value, &errors)) return value;
  } catch (const std::exception& thrown) {  // jsoncpp throws at its depth limit
    errors = thrown.what();
  }
  std::replace(errors.begin(), errors.end(), '\n', ' ');
  return fail(ErrorCode::InvalidArgument, "JSON: " + errors);
}

namespace {

std::string write(const Json::Value& value, const char* indentation) {
  Json::StreamWriterBuilder builder;
  builder["indentation"] = indentation;
  builder["emitUTF8"] = true;
  builder["precision"] = 15;  // 0.3, not 0.29999999999999999
  return Json::writeString(builder, value);
}

Result<Json::Value> member(const Json::Value& object, const char* key) {
  if (!object.isObject()) return fail(ErrorCode::InvalidArgument, std::string(key) + ": its parent is no object");
  const Json::Value& value = object[key];
  if (value.isNull()) return fail(ErrorCode::NotFound, std::string(key) + ": missing");
  return value;
}

auto expected(const char* key, const char* kind) {
  return fail(ErrorCode::InvalidArgument, std::string(key) + ": expected " + kind);
}

}  // namespace

std::string writeJson(const Json::Value& value) { return write(value, ""); }
std::string writeJsonPretty(const Json::Value& value) { return write(value, "  ") + "\n"; }

Result<std::string> readString(const Json::Value& object, const char* key) {
  auto value = member(object, key);
  if (!value) return fail(std::move(value).error());
  if (!value->isString()) return expected(key, "a string");
  return value->asString();
}

Result<std::int64_t> readInt(const Json::Value& object, const char* key) {
  auto value = member(object, key);
  if (!value) return fail(std::move(value).error());
  if (!value->isInt64()) return expected(key, "a whole number");
  return value->asInt64();
}

Result<std::uint64_t> readUint(const Json::Value& object, const char* key) {
  auto value = member(object, key);
  if (!value) return fail(std::move(value).error());
  if (!value->isUInt64()) return expected(key, "a whole number, not negative");
  return value->asUInt64();
}

Result<bool> readBool(const Json::Value& object, const char* key) {
  auto value = member(object, key);
  if (!value) return fail(std::move(value).error());
  if (!value->isBool()) return expected(key, "true or false");
  return value->asBool();
}

}  // namespace loam
