#include "rollout/audit/event.h"

#include "proxy/base/json.h"
#include "rollout/audit/digest.h"

namespace loam::audit {

namespace {

Json::Value withoutHash(const Event& event) {
  Json::Value out(Json::objectValue);
  out["sequence"] = Json::UInt64{event.sequence};
  out["at"] = Json::Int64{event.at};
  out["act"] = toJson(event.act);
  out["kind"] = event.kind;
  out["key"] = event.key;
  out["from_revision"] = Json::UInt64{event.fromRevision};
  out["to_revision"] = Json::UInt64{event.toRevision};
  out["patch"] = event.patch;
  out["previous"] = event.previous;
  return out;
}

Status take(const Json::Value& object, const char* key, std::string& into) {
  auto text = readString(object, key);
  if (!text) return fail(std::move(text).error());
  into = *std::move(text);
  return {};
}

Status take(const Json::Value& object, const char* key, std::uint64_t& into) {
  const auto number = readUint(object, key);
  if (!number) return fail(number.error());
  into = *number;
  return {};
}

}  // namespace

std::string hashOf(const Event& event) { return digestOf(withoutHash(event)); }

Json::Value toJson(const Act& act) {
  Json::Value out(Json::objectValue);
  out["who"] = act.who;
  out["via"] = act.via;
  out["from"] = act.from;
  out["verb"] = act.verb;
  out["reason"] = act.reason;
  out["ticket"] = act.ticket;
  out["correlation"] = act.correlation;
  return out;
}

Result<Act> actFromJson(const Json::Value& value) {
  Act act;
  LOAM_TRY(take(value, "who", act.who));
  LOAM_TRY(take(value, "via", act.via));
  LOAM_TRY(take(value, "from", act.from));
  LOAM_TRY(take(value, "verb", act.verb));
  LOAM_TRY(take(value, "reason", act.reason));
  LOAM_TRY(take(value, "ticket", act.ticket));
  LOAM_TRY(take(value, "correlation", act.correlation));
  return act;
}

Json::Value toJson(const Event& event) {
  Json::Value out = withoutHash(event);
  out["hash"] = event.hash;
  return out;
}

Result<Event> eventFromJson(const Json::Value& value) {
  Event event;
  LOAM_TRY(take(value, "sequence", event.sequence));
  const auto at = readInt(value, "at");
  if (!at) return fail(at.error());
  event.at = *at;
  auto act = actFromJson(value["act"]);
  if (!act) return fail(std::move(act).error());
  event.act = *std::move(act);
  LOAM_TRY(take(value, "kind", event.kind));
  LOAM_TRY(take(value, "key", event.key));
  LOAM_TRY(take(value, "from_revision", event.fromRevision));
  LOAM_TRY(take(value, "to_revision", event.toRevision));
  event.patch = value["patch"];
  LOAM_TRY(take(value, "previous", event.previous));
  LOAM_TRY(take(value, "hash", event.hash));
  return event;
}

}  // namespace loam::audit
