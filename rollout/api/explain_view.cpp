#include "rollout/api/explain_view.h"

#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

Json::Value view(const fleet::FeatureWord& word, const flags::Flag& flag) {
  Json::Value out(Json::objectValue);
  out["feature"] = word.feature;
  out["stage"] = word.stage;
  out["percent"] = flags::shareText(flag.share);
  out["caller_is_in"] = word.isIn;
  out["outcome"] = std::string(text(word.fate));
  if (!word.rule.empty()) out["rule"] = word.rule;
  if (!word.earlier.empty()) {
    out["one_stage_earlier"]["stage"] = word.earlier;
    out["one_stage_earlier"]["outcome"] = std::string(text(word.fateEarlier));
  }
  if (flag.revision == 0) return out;
  out["revision"] = Json::UInt64(flag.revision);
  out["by"] = flag.by;
  out["reason"] = flag.reason;
  out["changed_at"] = graph::rfc3339(flag.at / 1000);
  return out;
}

}  // namespace

Json::Value view(const fleet::Explanation& explanation, const std::string& service, const flags::Desired& desired) {
  Json::Value out(Json::objectValue);
  out["outcome"] = std::string(text(explanation.fate()));
  out["caller"] = explanation.caller;
  out["features"] = Json::Value(Json::arrayValue);
  for (const fleet::FeatureWord& word : explanation.words)
    out["features"].append(view(word, desired.flag({service, word.feature})));
  if (const fleet::FeatureWord* cause = explanation.cause()) {
    out["cause"]["feature"] = cause->feature;
    out["cause"]["rule"] = cause->rule;
  }
  return out;
}

Json::Value generationsView(const fleet::Agent& agent, std::uint64_t epoch) {
  Json::Value out(Json::objectValue);
  out["generation"] = Json::UInt64(agent.generation);
  out["acknowledged"] = Json::UInt64(agent.epoch == epoch ? agent.acknowledged : 0);
  out["in_effect"] = Json::UInt64(agent.epoch == epoch ? agent.inEffect : 0);
  out["killed"] = agent.killed;
  return out;
}

Json::Value refusalView(const record::ServiceVerdict& verdict) {
  const record::VerdictSum& sum = verdict.sum;
  Json::Value out(Json::objectValue);
  out["caller"] = verdict.caller;
  out["client"] = sum.client.text();
  out["destination"] = sum.destination.text();
  if (!sum.identity.empty()) out["identity"] = sum.identity;
  out["feature"] = sum.feature;
  out["rule"] = sum.rule;
  out["enforced"] = sum.enforced;
  out["connections"] = Json::UInt64(sum.count);
  out["first_seen"] = graph::rfc3339(sum.from);
  out["last_seen"] = graph::rfc3339(sum.last);
  if (!sum.proxy.empty()) out["proxy"] = sum.proxy;
  if (sum.generation != 0) out["generation"] = Json::UInt64(sum.generation);
  return out;
}

}  // namespace loam::api
