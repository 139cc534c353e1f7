#include "rollout/flags/desired.h"

#include <limits>

#include "proxy/base/fields.h"
#include "rollout/features/feature.h"

namespace loam::flags {

namespace {

constexpr std::size_t kMostTags = 64;

Status problemsOf(const audit::Document& document, const std::vector<FieldProblem>& problems) {
  if (problems.empty()) return {};
  return fail(ErrorCode::InvalidArgument, document.kind + " " + document.key + ": " + text(problems));
}

Result<ServiceSettings> readService(const audit::Document& document) {
  std::vector<FieldProblem> problems;
  Fields fields(document.body, "", problems, {"owner", "tier", "tags", "captured"});
  ServiceSettings settings;
  settings.name = document.key;
  settings.owner = fields.text("owner").value_or("");
  settings.tier = fields.text("tier").value_or("");
  settings.tags = fields.texts("tags", kMostTags);
  settings.captured = fields.boolean("captured").value_or(true);
  settings.revision = document.revision;
  LOAM_TRY(problemsOf(document, problems));
  return settings;
}

Result<Freeze> readFreeze(const audit::Document& document) {
  std::vector<FieldProblem> problems;
  Fields fields(document.body, "", problems, {"service", "feature", "until", "reason", "by"});
  Freeze freeze;
  freeze.id = document.key;
  freeze.service = fields.text("service").value_or("");
  freeze.feature = fields.text("feature").value_or("");
  freeze.until = fields.integer("until", 0, std::numeric_limits<std::int64_t>::max());
  freeze.reason = fields.text("reason", 4096).value_or("");
  freeze.by = fields.text("by").value_or("");
  freeze.revision = document.revision;
  LOAM_TRY(problemsOf(document, problems));
  return freeze;
}

Result<Drain> readDrain(const audit::Document& document) {
  std::vector<FieldProblem> problems;
  Fields fields(document.body, "", problems, {"reason", "by", "at"});
  Drain drain;
  drain.proxy = document.key;
  drain.reason = fields.text("reason", 4096).value_or("");
  drain.by = fields.text("by").value_or("");
  drain.at = fields.integer("at", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
  drain.revision = document.revision;
  LOAM_TRY(problemsOf(document, problems));
  return drain;
}

}  // namespace

bool Freeze::covers(const Cell& cell, std::int64_t now) const {
  const bool meant = (service.empty() || service == cell.service) && (feature.empty() || feature == cell.feature);
  return meant && (!until || now < *until);
}

Json::Value toJson(const ServiceSettings& settings) {
  Json::Value out(Json::objectValue);
  out["owner"] = settings.owner;
  out["tier"] = settings.tier;
  out["tags"] = Json::Value(Json::arrayValue);
  for (const std::string& tag : settings.tags) out["tags"].append(tag);
  out["captured"] = settings.captured;
  return out;
}

Json::Value toJson(const Freeze& freeze) {
  Json::Value out(Json::objectValue);
  out["service"] = freeze.service;
  out["feature"] = freeze.feature;
  if (freeze.until) out["until"] = Json::Int64(*freeze.until);
  out["reason"] = freeze.reason;
  out["by"] = freeze.by;
  return out;
}

Json::Value toJson(const Drain& drain) {
  Json::Value out(Json::objectValue);
  out["reason"] = drain.reason;
  out["by"] = drain.by;
  out["at"] = Json::Int64(drain.at);
  return out;
}

namespace {

template <class Key, class Value>
void keep(std::map<Key, Value>& all, const Key& key, Value value) {
  const auto found = all.find(key);
  if (found != all.end() && toJson(found->second) == toJson(value)) return;
  all[key] = std::move(value);
}

}  // namespace

Status Desired::put(const audit::Document& document) {
  if (document.kind == kFlagKind) {
    auto flag = fromDocument(document);
    if (!flag) return fail(std::move(flag).error());
    const Cell cell = flag->cell;
    keep(flags, cell, *std::move(flag));
  } else if (document.kind == kServiceKind) {
    auto settings = readService(document);
    if (!settings) return fail(std::move(settings).error());
    keep(services, document.key, *std::move(settings));
  } else if (document.kind == kFreezeKind) {
    auto freeze = readFreeze(document);
    if (!freeze) return fail(std::move(freeze).error());
    keep(freezes, document.key, *std::move(freeze));
  } else if (document.kind == kDrainKind) {
    auto drain = readDrain(document);
    if (!drain) return fail(std::move(drain).error());
    keep(drains, document.key, *std::move(drain));
  } else if (document.kind == kDescentKind) {
    auto descent = readDescent(document);
    if (!descent) return fail(std::move(descent).error());
    const Cell cell = descent->from.cell;
    keep(descents, cell, *std::move(descent));
  }
  return {};
}

void Desired::remove(std::string_view kind, const std::string& key) {
  if (kind == kServiceKind) services.erase(key);
  if (kind == kFreezeKind) freezes.erase(key);
  if (kind == kDrainKind) drains.erase(key);
  const std::size_t slash = key.rfind('/');
  if (slash == std::string::npos) return;
  const Cell cell{key.substr(0, slash), key.substr(slash + 1)};
  if (kind == kFlagKind) flags.erase(cell);
  if (kind == kDescentKind) descents.erase(cell);
}

Flag Desired::flag(const Cell& cell) const {
  if (const auto found = flags.find(cell); found != flags.end()) return found->second;
  Flag flag;
  if (const auto found = flags.find({std::string(kEveryService), cell.feature}); found != flags.end()) {
    flag = found->second;
    flag.cell = cell;
    flag.revision = 0;
    return flag;
  }
  flag.cell = cell;
  if (const features::Feature* feature = features::find(cell.feature)) flag.stage = feature->initial;
  return flag;
}

ServiceSettings Desired::service(const std::string& name) const {
  if (const auto found = services.find(name); found != services.end()) return found->second;
  ServiceSettings settings;
  settings.name = name;
  return settings;
}

const Freeze* Desired::frozen(const Cell& cell, std::int64_t now) const {
  for (const auto& [id, freeze] : freezes) {
    if (freeze.covers(cell, now)) return &freeze;
  }
  return nullptr;
}

}  // namespace loam::flags
