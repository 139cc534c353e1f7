#include "rollout/cli/known_names.h"

namespace loam::cli {

namespace {

std::vector<std::string> members(const Session& session, const std::string& target, const char* list,
                                 const char* member) {
  std::vector<std::string> names;
  const auto answer = session.get(target);
  if (!answer) return names;
  for (const Json::Value& one : (*answer)[list]) names.push_back(one[member].asString());
  return names;
}

std::vector<std::string> stages(const Session& session, const std::string& feature) {
  std::vector<std::string> names;
  const auto answer = session.get("/v1/features");
  if (!answer) return names;
  for (const Json::Value& one : (*answer)["features"]) {
    if (one["name"].asString() != feature) continue;
    for (const Json::Value& rung : one["ladder"]) names.push_back(rung["stage"].asString());
  }
  return names;
}

}  // namespace

std::vector<std::string> namesFor(Session& session, NameKind kind, const std::vector<std::string>& before) {
  constexpr milliseconds kPatience{1000};
  session.patience = kPatience;
  switch (kind) {
    case NameKind::Service:
      return members(session, "/v1/services?routes=false&from=-7d", "services", "name");
    case NameKind::Feature:
      return members(session, "/v1/features", "features", "name");
    case NameKind::Stage:
      return before.empty() ? std::vector<std::string>() : stages(session, before.back());
    case NameKind::Proxy:
      return members(session, "/v1/fleet", "proxies", "name");
    case NameKind::Change:
      return members(session, "/v1/changes", "changes", "id");
    case NameKind::Freeze:
      return members(session, "/v1/freezes", "freezes", "id");
    case NameKind::Webhook:
      return members(session, "/v1/webhooks", "webhooks", "name");
  }
  return {};
}

}  // namespace loam::cli
