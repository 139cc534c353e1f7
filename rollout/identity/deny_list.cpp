#include "rollout/identity/deny_list.h"

#include <array>

#include "proxy/base/json.h"

namespace loam::identity {

namespace {

constexpr std::array<std::string_view, 2> kNames = {"serial", "name"};

std::string keyOf(Denial::Of of, std::string_view value) {
  std::string key(kNames[static_cast<std::size_t>(of)]);
  return key.append("/").append(value);
}

}  // namespace

std::string Denial::key() const { return keyOf(of, value); }

void DenyList::add(Denial denial) {
  std::string key = denial.key();
  const auto found = denials_.find(key);
  if (found == denials_.end()) {
    denials_.emplace(std::move(key), std::move(denial));
  } else if (found->second.until < denial.until) {
    found->second = std::move(denial);
  }
}

bool DenyList::remove(const std::string& key) { return denials_.erase(key) != 0; }

std::optional<std::string> DenyList::whyDenied(std::string_view serial, std::string_view spiffe,
                                               std::int64_t now) const {
  for (const std::string& key : {keyOf(Denial::Of::Serial, serial), keyOf(Denial::Of::Name, spiffe)}) {
    const auto found = denials_.find(key);
    if (found == denials_.end() || found->second.until + kSkew < now) continue;
    const Denial& denial = found->second;
    return denial.value + " was revoked" + (denial.reason.empty() ? std::string() : ": " + denial.reason);
  }
  return std::nullopt;
}

std::size_t DenyList::prune(std::int64_t now) {
  return std::erase_if(denials_, [now](const auto& entry) { return entry.second.until + kSkew < now; });
}

Json::Value toJson(const Denial& denial) {
  Json::Value body(Json::objectValue);
  body["of"] = std::string(kNames[static_cast<std::size_t>(denial.of)]);
  body["value"] = denial.value;
  body["until"] = Json::Int64(denial.until);
  body["at"] = Json::Int64(denial.at);
  body["reason"] = denial.reason;
  return body;
}

Result<Denial> denialFromJson(const Json::Value& body) {
  const auto of = readString(body, "of");
  if (!of) return fail(of.error());
  if (*of != kNames[0] && *of != kNames[1]) {
    return fail(ErrorCode::InvalidArgument, "of: expected serial or name, found \"" + *of + "\"");
  }
  auto value = readString(body, "value");
  if (!value) return fail(std::move(value).error());
  const auto until = readInt(body, "until");
  if (!until) return fail(until.error());
  const auto at = readInt(body, "at");
  if (!at) return fail(at.error());
  auto reason = readString(body, "reason");
  if (!reason) return fail(std::move(reason).error());
  return Denial{*of == kNames[0] ? Denial::Of::Serial : Denial::Of::Name, *std::move(value), *until, *at,
                *std::move(reason)};
}

Json::Value toJson(const DenyList& list) {
  Json::Value body(Json::arrayValue);
  for (const auto& [key, denial] : list.denials()) body.append(toJson(denial));
  return body;
}

Result<DenyList> denyListFromJson(const Json::Value& body) {
  if (!body.isArray()) return fail(ErrorCode::InvalidArgument, "the deny list: expected a list");
  DenyList list;
  for (const Json::Value& one : body) {
    auto denial = denialFromJson(one);
    if (!denial) return fail(std::move(denial).error());
    list.add(*std::move(denial));
  }
  return list;
}

}  // namespace loam::identity
