#include "rollout/audit/json_patch.h"

#include <set>
#include <string>
#include <vector>

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

namespace {

std::vector<std::string> membersOf(const std::string& pointer) {
  std::vector<std::string> members;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      members.emplace_back();
    } else if (members.empty()) {
      break;
    } else if (pointer[i] == '~' && i + 1 < pointer.size()) {
      members.back().push_back(pointer[++i] == '0' ? '~' : '/');
    } else {
      members.back().push_back(pointer[i]);
    }
  }
  return members;
}

/// What stands at a pointer becomes `value`; null takes it away. False when there is no such place.
bool put(Json::Value& document, const std::string& pointer, const Json::Value* value) {
  const std::vector<std::string> members = membersOf(pointer);
  Json::Value* at = &document;
  for (std::size_t i = 0; i + 1 < members.size(); ++i) {
    if (!at->isObject() || !at->isMember(members[i])) return false;
    at = &(*at)[members[i]];
  }
  if (members.empty()) {
    document = value == nullptr ? Json::Value() : *value;
  } else if (!at->isObject()) {
    return false;
  } else if (value == nullptr) {
    at->removeMember(members.back());
  } else {
    (*at)[members.back()] = *value;
  }
  return true;
}

}  // namespace

std::optional<Json::Value> undoPatch(Json::Value after, const Json::Value& patch) {
  if (!patch.isArray()) return std::nullopt;
  for (Json::ArrayIndex i = patch.size(); i-- > 0;) {
    const Json::Value& step = patch[i];
    if (!step.isObject() || !step["path"].isString()) return std::nullopt;
    const Json::Value* before = nullptr;
    if (step["op"] != "add") {
      if (i == 0 || patch[i - 1]["op"] != "test") return std::nullopt;
      before = &patch[--i]["value"];
    }
    if (!put(after, step["path"].asString(), before)) return std::nullopt;
  }
  return after;
}

Json::Value diffJson(const Json::Value& before, const Json::Value& after) {
  Json::Value patch(Json::arrayValue);
  diffAt(before.isNull() ? nullptr : &before, after.isNull() ? nullptr : &after, "", patch);
  return patch;
}

}  // namespace loam::audit
