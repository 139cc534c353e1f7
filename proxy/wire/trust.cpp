#include "proxy/wire/trust.h"

#include <limits>

#include "proxy/base/json.h"

namespace loam::wire {

namespace {

constexpr std::int64_t kMostCount = std::numeric_limits<std::int64_t>::max();

Denied takeDenied(Fields& fields) {
  Denied denied;
  fields.require("of");
  denied.of = fields.oneOf("of", {"serial", "name"}) == "name" ? Denied::Of::Name : Denied::Of::Serial;
  fields.require("value");
  denied.value = fields.text("value").value_or("");
  fields.require("until");
  denied.until = fields.integer("until", 0, kMostCount).value_or(0);
  return denied;
}

}  // namespace

Json::Value toJson(const Trust& trust) {
  Json::Value out(Json::objectValue);
  out["step"] = Json::UInt64(trust.step);
  out["issuing"] = trust.issuing;
  out["roots"] = Json::Value(Json::arrayValue);
  for (const std::string& root : trust.roots) out["roots"].append(root);
  if (!trust.denied.empty()) out["denied"] = Json::Value(Json::arrayValue);
  for (const Denied& denied : trust.denied) {
    Json::Value entry(Json::objectValue);
    entry["of"] = denied.of == Denied::Of::Name ? "name" : "serial";
    entry["value"] = denied.value;
    entry["until"] = Json::Int64(denied.until);
    out["denied"].append(std::move(entry));
  }
  return out;
}

std::string encode(const Trust& trust) { return writeJson(toJson(trust)); }

std::optional<Trust> takeTrust(Fields& fields, std::string_view name) {
  auto given = fields.object(name, {"step", "issuing", "roots", "denied"});
  if (!given) return std::nullopt;
  Trust trust;
  given->require("step");
  trust.step = static_cast<std::uint64_t>(given->integer("step", 0, kMostCount).value_or(0));
  given->require("issuing");
  trust.issuing = given->text("issuing", 64).value_or("");
  given->require("roots");
  trust.roots = given->texts("roots", kMostRoots);
  for (Fields& denied : given->objects("denied", {"of", "value", "until"}, kMostDenied)) {
    trust.denied.push_back(takeDenied(denied));
  }
  return trust;
}

}  // namespace loam::wire
