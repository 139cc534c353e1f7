#include "rollout/audit/json_patch.h"

#include <set>
#include <string>

#include "proxy/base/json.h"

namespace loam::audit {

namespace {

/// 1 as an int and as an unsigned are one number: what counts is what is written.
bool same(const Json::Value& a, const Json::Value& b) { return writeJson(a) == writeJson(b); }

std::string childOf(const std::string& pointer, const std::string& name) {
  std::string out = pointer + "/";
  for (const char c : name) {
    if (c == '~') {
      out.append("~0");
    } else if (c == '/') {
      out.append("~1");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

void add(Json::Value& patch, const char* operation, const std::string& pointer, const Json::Value* value) {
  Json::Value step(Json::objectValue);
  step["op"] = operation;
  step["path"] = pointer;
  if (value != nullptr) step["value"] = *value;
  patch.append(std::move(step));
}

void diffMembers(const Json::Value& before, const Json::Value& after, const std::string& pointer, Json::Value& patch);

/// Null pointers stand for what is not there.
void diffAt(const Json::Value* before, const Json::Value* after, const std::string& pointer, Json::Value& patch) {
  if (before == nullptr && after == nullptr) return;
  if (before == nullptr) return add(patch, "add", pointer, after);
  if (after != nullptr && before->isObject() && after->isObject()) return diffMembers(*before, *after, pointer, patch);
  if (after != nullptr && same(*before, *after)) return;
  add(patch, "test", pointer, before);
  add(patch, after == nullptr ? "remove" : "replace", pointer, after);
}

void diffMembers(const Json::Value& before, const Json::Value& after, const std::string& pointer, Json::Value& patch) {
  std::set<std::string> names;
  for (const Json::Value* object : {&before, &after}) {
    for (const std::string& name : object->getMemberNames()) names.insert(name);
  }
  for (const std::string& name : names) {
    const auto* const end = name.data() + name.size();
    diffAt(before.find(name.data(), end), after.find(name.data(), end), childOf(pointer, name), patch);
  }
}

}  // namespace

Json::Value diffJson(const Json::Value& before, const Json::Value& after) {
  Json::Value patch(Json::arrayValue);
  diffAt(before.isNull() ? nullptr : &before, after.isNull() ? nullptr : &after, "", patch);
  return patch;
}

}  // namespace loam::audit
