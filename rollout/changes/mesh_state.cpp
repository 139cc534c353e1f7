#include "rollout/changes/mesh_state.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "proxy/base/json.h"

namespace loam::changes {

using flags::Cell;
using flags::Desired;
using flags::Flag;
using flags::Freeze;
using flags::ServiceSettings;

namespace {

constexpr std::size_t kMostCells = 10'000;
constexpr std::size_t kMostTags = 64;
constexpr std::size_t kMostFreezes = 1000;

Json::Value list(const std::vector<std::string>& texts) {
  Json::Value out(Json::arrayValue);
  for (const std::string& text : texts) out.append(text);
  return out;
}

/// Where the cell stands when nothing is said of it.
Flag beginningOf(const Desired& desired, const Cell& cell) {
  Desired without;
  const Cell all{std::string(flags::kEveryService), cell.feature};
  if (const auto found = desired.flags.find(all); found != desired.flags.end() && cell != all) {
    without.flags.emplace(*found);
  }
  return without.flag(cell);
}

/// An edit that says all of a flag.
CellEdit wholeEdit(const Flag& flag) {
  CellEdit edit;
  edit.cell = flag.cell;
  edit.stage = flag.stage;
  edit.share = flag.share;
  edit.include = flag.include;
  edit.exclude = flag.exclude;
  edit.settings = flag.settings;
  edit.expires = flag.expires.value_or(0);
  return edit;
}

/// What identifies a freeze between two controllers, which give them different ids.
auto termsOf(const Freeze& freeze) { return std::tie(freeze.service, freeze.feature, freeze.until, freeze.reason); }

bool hasEqual(const std::vector<Freeze>& all, const Freeze& one) {
  return std::any_of(all.begin(), all.end(), [&one](const Freeze& other) { return termsOf(other) == termsOf(one); });
}

bool isOver(const Freeze& freeze, std::int64_t now) { return freeze.until && *freeze.until <= now; }

/// Numbers are as good as texts for a percentage: what a person writes without quotes.
Json::Value withTextPercent(Json::Value cell) {
  if (cell.isObject() && cell["percent"].isNumeric()) cell["percent"] = writeJson(cell["percent"]);
  return cell;
}

CellEdit readCell(const Cell& cell, const Json::Value& body, const std::string& pointer,
                  std::vector<FieldProblem>& problems) {
  Flag begins;
  begins.cell = cell;
  CellEdit edit = wholeEdit(begins);
  Fields fields(body, pointer, problems, {"stage", "percent", "include", "exclude", "settings", "expires"});
  fields.require("stage");
  Json::Value named = body.isObject() ? body : Json::Value(Json::objectValue);
  named["service"] = cell.service;
  named["feature"] = cell.feature;
  std::vector<FieldProblem> twice;  // an unknown member was said above
  Fields all(named, pointer, twice,
             {"service", "feature", "stage", "percent", "include", "exclude", "settings", "expires"});
  const std::size_t before = twice.size();
  const CellEdit read = readCellEdit(all);
  problems.insert(problems.end(), twice.begin() + static_cast<std::ptrdiff_t>(before), twice.end());
  edit.stage = read.stage.value_or("off");
  if (read.share) edit.share = read.share;
  if (read.include) edit.include = read.include;
  if (read.exclude) edit.exclude = read.exclude;
  if (read.settings) edit.settings = read.settings;
  if (read.expires) edit.expires = read.expires;
  return edit;
}

void readFlags(const Json::Value& services, MeshState& state, std::vector<FieldProblem>& problems) {
  for (const std::string& service : services.getMemberNames()) {
    const std::string place = "/flags" + pointerStep(service);
    if (!services[service].isObject()) {
      problems.push_back({place, "expected the features of " + inQuotes(service)});
      continue;
    }
    for (const std::string& feature : services[service].getMemberNames()) {
      if (state.flags.size() >= kMostCells) return problems.push_back({place, "more than 10000 flags"});
      const Cell cell{service, feature};
      const Json::Value body = withTextPercent(services[service][feature]);
      state.flags[cell] = readCell(cell, body, place + pointerStep(feature), problems);
    }
  }
}

void readServices(const Json::Value& services, MeshState& state, std::vector<FieldProblem>& problems) {
  for (const std::string& name : services.getMemberNames()) {
    Fields fields(services[name], "/services" + pointerStep(name), problems, {"owner", "tier", "tags", "captured"});
    ServiceSettings& settings = state.services[name];
    settings.name = name;
    settings.owner = fields.text("owner", 128).value_or("");
    settings.tier = fields.text("tier", 64).value_or("");
    settings.tags = fields.texts("tags", kMostTags);
    settings.captured = fields.boolean("captured").value_or(true);
    std::sort(settings.tags.begin(), settings.tags.end());
    settings.tags.erase(std::unique(settings.tags.begin(), settings.tags.end()), settings.tags.end());
  }
}

void readFreezes(Fields& root, MeshState& state) {
  for (Fields& one : root.objects("freezes", {"service", "feature", "until", "reason"}, kMostFreezes)) {
    Freeze freeze;
    freeze.service = one.text("service", 128).value_or("");
    freeze.feature = one.text("feature", 64).value_or("");
    freeze.until = one.integer("until", 0, std::numeric_limits<std::int64_t>::max());
    freeze.reason = one.text("reason", 4096).value_or("");
    if (freeze.reason.empty()) one.problem("reason", "say why");
    state.freezes.push_back(std::move(freeze));
  }
}

const Json::Value& objectAt(const Json::Value& document, const char* name, std::vector<FieldProblem>& problems) {
  static const Json::Value kNothing(Json::objectValue);
  const Json::Value& value = document.isObject() ? document[name] : kNothing;
  if (value.isObject()) return value;
  if (!value.isNull()) problems.push_back({std::string("/") + name, "expected members by name"});
  return kNothing;
}

/// What is wanted with the flags of every service as they are to be: where others begin.
Desired withDefaults(const Desired& desired, const std::vector<CellEdit>& edits, std::int64_t now) {
  Desired later = desired;
  for (const CellEdit& edit : edits) {
    if (edit.cell.service == flags::kEveryService) later.flags[edit.cell] = judge(desired, edit, now).after;
  }
  return later;
}

/// The edits of those cells, flags of every service or others, that are not as they are to be. What nobody touched
/// stands where it will begin, not where it begins now.
void planCells(bool ofEveryService, const Desired& desired, const Desired& later, const MeshState& state, bool prune,
               std::int64_t now, std::vector<CellEdit>& edits) {
  const auto isMeant = [&](const Cell& cell) { return (cell.service == flags::kEveryService) == ofEveryService; };
  for (const auto& [cell, edit] : state.flags) {
    if (!isMeant(cell)) continue;
    const Judgement judgement = judge(desired, edit, now);
    const Flag before = desired.flags.contains(cell) ? judgement.before : beginningOf(later, cell);
    if (!judgement.problems.empty() || !saysTheSame(before, judgement.after)) edits.push_back(edit);
  }
  for (const auto& [cell, flag] : desired.flags) {
    if (!prune || !isMeant(cell) || state.flags.contains(cell)) continue;
    const Flag begins = beginningOf(later, cell);
    if (!saysTheSame(flag, begins)) edits.push_back(wholeEdit(begins));
  }
}

void planFlags(const Desired& desired, const MeshState& state, bool prune, std::int64_t now, MeshPlan& plan) {
  planCells(true, desired, desired, state, prune, now, plan.edits);
  planCells(false, desired, withDefaults(desired, plan.edits, now), state, prune, now, plan.edits);
  std::sort(plan.edits.begin(), plan.edits.end(), [](const CellEdit& a, const CellEdit& b) { return a.cell < b.cell; });
}

}  // namespace

bool saysTheSame(const Flag& a, const Flag& b) { return writeJson(stateOf(a)) == writeJson(stateOf(b)); }

Json::Value stateOf(const Flag& flag) {
  Json::Value out(Json::objectValue);
  out["stage"] = flag.stage;
  if (flag.share != flags::kWhole) out["percent"] = flags::shareText(flag.share);
  if (!flag.include.empty()) out["include"] = list(flag.include);
  if (!flag.exclude.empty()) out["exclude"] = list(flag.exclude);
  if (!flag.settings.empty()) out["settings"] = flag.settings;
  if (flag.expires) out["expires"] = Json::Int64(*flag.expires);
  return out;
}

Json::Value stateOf(const ServiceSettings& settings) {
  Json::Value out(Json::objectValue);
  if (!settings.owner.empty()) out["owner"] = settings.owner;
  if (!settings.tier.empty()) out["tier"] = settings.tier;
  if (!settings.tags.empty()) out["tags"] = list(settings.tags);
  if (!settings.captured) out["captured"] = false;
  return out;
}

Json::Value stateOf(const Freeze& freeze) {
  Json::Value out(Json::objectValue);
  if (!freeze.service.empty()) out["service"] = freeze.service;
  if (!freeze.feature.empty()) out["feature"] = freeze.feature;
  if (freeze.until) out["until"] = Json::Int64(*freeze.until);
  out["reason"] = freeze.reason;
  return out;
}

Json::Value stateOf(const Desired& desired, std::int64_t now) {
  Json::Value out(Json::objectValue);
  for (const char* name : {"flags", "services"}) out[name] = Json::Value(Json::objectValue);
  for (const auto& [cell, flag] : desired.flags) {
    if (!saysTheSame(flag, beginningOf(desired, cell))) out["flags"][cell.service][cell.feature] = stateOf(flag);
  }
  for (const auto& [name, settings] : desired.services) {
    const Json::Value said = stateOf(settings);
    if (!said.empty()) out["services"][name] = said;
  }
  std::vector<Freeze> freezes;
  for (const auto& [id, freeze] : desired.freezes) {
    if (!isOver(freeze, now)) freezes.push_back(freeze);
  }
  std::sort(freezes.begin(), freezes.end(), [](const Freeze& a, const Freeze& b) { return termsOf(a) < termsOf(b); });
  out["freezes"] = Json::Value(Json::arrayValue);
  freezes.erase(std::unique(freezes.begin(), freezes.end(),
                            [](const Freeze& a, const Freeze& b) { return termsOf(a) == termsOf(b); }),
                freezes.end());
  for (const Freeze& freeze : freezes) out["freezes"].append(stateOf(freeze));
  return out;
}

MeshState readMeshState(const Json::Value& document, std::vector<FieldProblem>& problems) {
  MeshState state;
  readFlags(objectAt(document, "flags", problems), state, problems);
  readServices(objectAt(document, "services", problems), state, problems);
  Json::Value only(Json::objectValue);
  if (document.isObject()) only["freezes"] = document["freezes"];
  Fields root(only, "", problems, {"freezes"});
  readFreezes(root, state);
  return state;
}

MeshPlan planOf(const Desired& desired, const MeshState& state, bool prune, std::int64_t now) {
  MeshPlan plan;
  planFlags(desired, state, prune, now, plan);
  for (const auto& [name, wanted] : state.services) {
    ServiceSettings after = wanted;
    const ServiceSettings before = desired.service(name);
    after.revision = before.revision;
    if (after != before) plan.services.emplace_back(before, after);
  }
  for (const auto& [name, before] : desired.services) {
    ServiceSettings after;
    after.name = name;
    after.revision = before.revision;
    if (prune && !state.services.contains(name) && after != before) plan.services.emplace_back(before, after);
  }
  std::vector<Freeze> current;
  for (const auto& [id, freeze] : desired.freezes) {
    if (isOver(freeze, now)) continue;
    current.push_back(freeze);
    if (prune && !hasEqual(state.freezes, freeze)) plan.lifted.push_back(freeze);
  }
  for (const Freeze& freeze : state.freezes) {
    if (!isOver(freeze, now) && !hasEqual(current, freeze) && !hasEqual(plan.begun, freeze))
      plan.begun.push_back(freeze);
  }
  return plan;
}

}  // namespace loam::changes
