#include "rollout/api/identity_view.h"

#include <algorithm>

#include "proxy/base/utc.h"

namespace loam::api {

namespace {

void addEnd(Json::Value& out, std::int64_t notAfter, std::int64_t now) {
  out["not_after"] = utcText(notAfter);
  out["seconds_left"] = Json::Int64(notAfter - now);
}

Json::Value view(const identity::Standing::Root& root, bool issues, std::int64_t now) {
  Json::Value out(Json::objectValue);
  out["sha256"] = root.id;
  out["issuing"] = issues;
  addEnd(out, root.certificate.notAfter(), now);
  addEnd(out["intermediate"], root.intermediateUntil, now);
  out["intermediate"]["renewable"] = root.renewable;
  return out;
}

Json::Value view(const identity::Rotation& rotation, const std::vector<identity::Acknowledgement>& live) {
  Json::Value out(Json::objectValue);
  out["state"] = std::string(name(rotation.state));
  out["step"] = Json::UInt64(rotation.step);
  out["since"] = utcText(rotation.since);
  out["issuing"] = rotation.issuing;
  if (!rotation.other.empty()) out["other"] = rotation.other;
  out["live"] = Json::UInt64(live.size());
  out["waiting"] = Json::Value(Json::arrayValue);
  for (const std::string& agent : notYet(rotation, live)) out["waiting"].append(agent);
  return out;
}

}  // namespace

Json::Value view(const identity::Standing& standing, const std::vector<identity::Acknowledgement>& live,
                 std::int64_t now) {
  Json::Value out(Json::objectValue);
  out["trust_domain"] = standing.trustDomain;
  out["roots"] = Json::Value(Json::arrayValue);
  for (const auto& root : standing.roots) out["roots"].append(view(root, root.id == standing.rotation.issuing, now));
  out["rotation"] = view(standing.rotation, live);
  const tls::Certificate& own = standing.own.chain.front();
  out["controller"]["spiffe"] = own.spiffeId();
  out["controller"]["serial"] = own.serial();
  addEnd(out["controller"], own.notAfter(), now);
  return out;
}

Json::Value viewCertificates(const identity::Records& records, std::int64_t now) {
  std::vector<const identity::Issued*> all;
  for (const auto& [serial, kept] : records.certificates()) {
    if (kept.value.notAfter > now) all.push_back(&kept.value);
  }
  std::sort(all.begin(), all.end(), [](const identity::Issued* a, const identity::Issued* b) {
    return a->spiffe != b->spiffe ? a->spiffe < b->spiffe : a->notAfter > b->notAfter;
  });
  Json::Value out(Json::objectValue);
  out["certificates"] = Json::Value(Json::arrayValue);
  std::string_view before;
  for (const identity::Issued* issued : all) {
    Json::Value one(Json::objectValue);
    const auto id = identity::parseSpiffeId(issued->spiffe);
    one["name"] = id ? id->name : issued->spiffe;
    one["spiffe"] = issued->spiffe;
    one["serial"] = issued->serial;
    one["not_before"] = utcText(issued->notBefore);
    addEnd(one, issued->notAfter, now);
    one["superseded"] = issued->spiffe == before;
    const auto why = records.denials().whyDenied(issued->serial, issued->spiffe, now);
    one["denied"] = why.has_value();
    if (why) one["why"] = *why;
    before = issued->spiffe;
    out["certificates"].append(std::move(one));
  }
  return out;
}

Json::Value view(const identity::JoinToken& token, std::int64_t now) {
  Json::Value out(Json::objectValue);
  out["id"] = token.id;
  out["name"] = token.name;
  out["issued"] = utcText(token.issued);
  out["expires"] = utcText(token.expires);
  out["state"] = token.used != 0 ? "used" : now >= token.expires ? "expired" : "open";
  if (token.used != 0) out["used"] = utcText(token.used);
  out["refused"] = Json::Int64(token.refused);
  return out;
}

Json::Value view(const identity::Denial& denial) {
  Json::Value out(Json::objectValue);
  out["key"] = denial.key();
  out["of"] = denial.of == identity::Denial::Of::Name ? "name" : "serial";
  out["value"] = denial.value;
  out["at"] = utcText(denial.at);
  out["until"] = utcText(denial.until);
  out["reason"] = denial.reason;
  return out;
}

}  // namespace loam::api
