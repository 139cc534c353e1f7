#include "rollout/api/policy_view.h"

#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using graph::rfc3339;

template <class Texts>
Json::Value list(const Texts& texts) {
  Json::Value out(Json::arrayValue);
  for (const std::string& text : texts) out.append(text);
  return out;
}

Json::Value view(const features::DeniedCalls& edge) {
  Json::Value out(Json::objectValue);
  out["caller"] = edge.caller;
  out["port"] = edge.port;
  out["rule"] = edge.rule;
  out["enforced"] = edge.enforced;
  out["captured"] = edge.captured;
  out["connections"] = Json::UInt64(edge.connections);
  out["clients"] = list(edge.clients);
  out["identities"] = list(edge.identities);
  out["first_seen"] = rfc3339(edge.firstSeen);
  out["last_seen"] = rfc3339(edge.lastSeen);
  return out;
}

Json::Value view(const features::DraftedRule& rule) {
  Json::Value out(Json::objectValue);
  out["rule"] = rule.rule;
  out["caller"] = rule.caller;
  out["clients"] = list(rule.clients);
  out["connections"] = Json::UInt64(rule.connections);
  out["first_seen"] = rfc3339(rule.firstSeen);
  out["last_seen"] = rfc3339(rule.lastSeen);
  out["proven"] = rule.proven;
  out["all_ports"] = rule.allPorts;
  return out;
}

}  // namespace

Json::Value view(const features::PolicyImpact& impact) {
  std::uint64_t enforced = 0;
  Json::Value out(Json::objectValue);
  out["edges"] = Json::Value(Json::arrayValue);
  for (const features::DeniedCalls& edge : impact.edges) {
    if (edge.enforced) enforced += edge.connections;
    out["edges"].append(view(edge));
  }
  out["connections"] = Json::UInt64(impact.connections);
  out["denied"] = Json::UInt64(impact.denied);
  out["enforced"] = Json::UInt64(enforced);
  out["exchange_decides"] = Json::UInt64(impact.exchangeDecides);
  return out;
}

Json::Value view(const features::PolicyDraft& draft, graph::Window window) {
  Json::Value out(Json::objectValue);
  out["settings"] = draft.settings;
  out["samples"] = Json::UInt64(draft.samples);
  if (draft.oldest != 0) {
    out["oldest"] = rfc3339(draft.oldest);
    out["age_seconds"] = Json::Int64(window.to - draft.oldest);
  }
  out["rules"] = Json::Value(Json::arrayValue);
  for (const features::DraftedRule& rule : draft.rules) out["rules"].append(view(rule));
  out["left_out"] = list(draft.leftOut);
  return out;
}

}  // namespace loam::api
