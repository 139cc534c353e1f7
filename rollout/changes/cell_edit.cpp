#include "rollout/changes/cell_edit.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "proxy/base/nearest.h"

namespace loam::changes {

using features::Feature;
using flags::Flag;

namespace {

constexpr std::size_t kMostUnits = 10'000;
constexpr std::size_t kMostEdits = 1000;

Json::Value list(const std::vector<std::string>& texts) {
  Json::Value out(Json::arrayValue);
  for (const std::string& text : texts) out.append(text);
  return out;
}

std::optional<std::vector<std::string>> units(Fields& fields, std::string_view name) {
  if (!fields.has(name)) return std::nullopt;
  std::vector<std::string> all = fields.texts(name, kMostUnits);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::optional<std::int64_t> time(Fields& fields, std::string_view name) {
  return fields.integer(name, 0, std::numeric_limits<std::int64_t>::max());
}

template <class All>
std::vector<std::string> namesOf(const All& all) {
  std::vector<std::string> names;
  for (const auto& one : all) names.emplace_back(one.name);
  return names;
}

const features::Stage& stageOf(const Feature& feature, const std::string& name) {
  return feature.ladder[feature.rung(name).value_or(0)];
}

/// What the edit says of the feature's own stage; `flag` takes it.
void judgeStage(const Feature& feature, const CellEdit& edit, const Flag& before, Flag& flag,
                std::vector<FieldProblem>& problems) {
  if (edit.stage && !feature.rung(*edit.stage)) {
    problems.push_back({"/stage", std::string(feature.name) + " has no stage \"" + *edit.stage + "\"" +
                                      didYouMean(*edit.stage, namesOf(feature.ladder))});
    return;
  }
  if (edit.stage) {
    if (auto refused = features::refusesMove(feature, before.stage, *edit.stage))
      problems.push_back({"/stage", *refused});
    flag.stage = *edit.stage;
    if (flag.stage != before.stage) flag.share = flags::kWhole;
  }
  const features::Stage& stage = stageOf(feature, flag.stage);
  if (edit.share && stage.unit == features::Unit::None && *edit.share != flags::kWhole) {
    problems.push_back({"/percent", std::string(feature.name) + " " + flag.stage +
                                        " holds for all or nobody: it takes no percentage"});
  } else if (edit.share) {
    flag.share = *edit.share;
  }
  if (stage.expires && !flag.expires) {
    problems.push_back({"/expires", std::string(feature.name) + " " + flag.stage + " needs an end"});
  }
}

/// Turns what would be now into what is to be at a time.
void appoint(std::int64_t at, const CellEdit& edit, std::int64_t now, Judgement& judgement) {
  const Flag then = std::exchange(judgement.after, judgement.before);
  judgement.after.scheduled.reset();
  if (at == 0) return;
  if (at <= now) judgement.problems.push_back({"/at", "that time is over"});
  if (edit.include || edit.exclude || edit.settings || edit.expires) {
    judgement.problems.push_back({"/at", "only a stage and a percentage can be scheduled"});
  }
  judgement.after.scheduled = flags::Appointment{at, then.stage, then.share, "", ""};
}

/// More of a feature than before: what a freeze forbids and what needs are for.
bool rises(const Feature& feature, const Flag& before, const Flag& after) {
  const std::size_t from = feature.rung(before.stage).value_or(0);
  const std::size_t to = feature.rung(after.stage).value_or(0);
  if (from != to) return to > from;
  return !after.isOff() && (after.share > before.share || after.include != before.include ||
                            after.exclude != before.exclude || after.settings != before.settings);
}

}  // namespace

Json::Value toJson(const CellEdit& edit) {
  Json::Value out(Json::objectValue);
  out["service"] = edit.cell.service;
  out["feature"] = edit.cell.feature;
  if (edit.stage) out["stage"] = *edit.stage;
  if (edit.share) out["percent"] = flags::shareText(*edit.share);
  if (edit.include) out["include"] = list(*edit.include);
  if (edit.exclude) out["exclude"] = list(*edit.exclude);
  if (edit.settings) out["settings"] = *edit.settings;
  if (edit.expires) out["expires"] = Json::Int64(*edit.expires);
  if (edit.at) out["at"] = Json::Int64(*edit.at);
  return out;
}

CellEdit readCellEdit(Fields& fields) {
  CellEdit edit;
  fields.require("service");
  fields.require("feature");
  edit.cell.service = fields.text("service", 128).value_or("");
  edit.cell.feature = fields.text("feature", 64).value_or("");
  edit.stage = fields.text("stage", 64);
  if (const auto percent = fields.text("percent", 16)) {
    if (const auto share = flags::parseShare(*percent)) {
      edit.share = *share;
    } else {
      fields.problem("percent", share.error().context);
    }
  }
  edit.include = units(fields, "include");
  edit.exclude = units(fields, "exclude");
  if (fields.has("settings")) edit.settings = fields.value("settings");
  edit.expires = time(fields, "expires");
  edit.at = time(fields, "at");
  return edit;
}

std::vector<CellEdit> readCellEdits(Fields& fields, std::string_view name) {
  std::vector<CellEdit> edits;
  for (Fields& one : fields.objects(
           name, {"service", "feature", "stage", "percent", "include", "exclude", "settings", "expires", "at"},
           kMostEdits)) {
    edits.push_back(readCellEdit(one));
  }
  return edits;
}

bool Judgement::applies() const {
  const bool met = std::all_of(needs.begin(), needs.end(), [](const NeedState& need) { return need.met; });
  return problems.empty() && ((met && (riskAccepted || risk().empty())) || !rises);
}

std::string Judgement::risk() const {
  std::string text;
  for (const features::Check& check : checks) {
    if (!check.passed) text.append(text.empty() ? "" : "; ").append(check.name + ": " + check.found);
  }
  return text;
}

std::vector<features::Check> checksOf(const Judgement& judgement, const Grounds& grounds) {
  const Flag& after = judgement.after;
  const Feature* feature = features::find(after.cell.feature);
  if (feature == nullptr || feature->checks == nullptr || !judgement.rises || !judgement.problems.empty()) return {};
  const Flag& before = judgement.before;
  const features::Rise rise{before.stage, before.share == flags::kWhole, after.stage, after.settings, after.exclude};
  return feature->checks(rise, [&] { return grounds ? grounds(before) : features::Ground{}; });
}

Judgement judge(const flags::Desired& desired, const CellEdit& edit, std::int64_t now) {
  Judgement judgement;
  judgement.before = desired.flag(edit.cell);
  Flag& after = judgement.after = judgement.before;
  const Feature* feature = features::find(edit.cell.feature);
  if (feature == nullptr) {
    judgement.problems.push_back({"/feature", "there is no feature \"" + edit.cell.feature + "\"" +
                                                  didYouMean(edit.cell.feature, namesOf(features::registry()))});
    return judgement;
  }
  if (edit.cell.service == flags::kEveryService && feature->initial == "off") {
    judgement.problems.push_back({"/service", edit.cell.feature + " is switched service by service"});
  }
  if (edit.expires) after.expires = *edit.expires == 0 ? std::nullopt : edit.expires;
  if (after.expires && *after.expires <= now) judgement.problems.push_back({"/expires", "that time is over"});
  if (edit.include) after.include = *edit.include;
  if (edit.exclude) after.exclude = *edit.exclude;
  judgeStage(*feature, edit, judgement.before, after, judgement.problems);
  std::vector<FieldProblem> settings;
  after.settings = feature->settings(after.stage, edit.settings.value_or(after.settings), settings);
  for (FieldProblem& problem : settings) judgement.problems.push_back({"/settings" + problem.pointer, problem.detail});
  if (!after.isOff()) after.killed = false;
  if (!after.isOff() && after.salt.empty()) after.salt = flags::saltOf(after.cell);
  if (edit.at) appoint(*edit.at, edit, now, judgement);
  judgement.rises = rises(*feature, judgement.before, after);
  if (const flags::Freeze* freeze = desired.frozen(edit.cell, now); freeze != nullptr && judgement.rises) {
    judgement.problems.push_back({"", "frozen by " + freeze->by + " (" + freeze->id + "): " + freeze->reason});
  }
  return judgement;
}

std::vector<NeedState> needsOf(const Flag& flag, const flags::Desired& later) {
  std::vector<NeedState> states;
  const Feature* feature = features::find(flag.cell.feature);
  if (feature == nullptr || flag.isOff()) return states;
  for (const features::Need& need : feature->needs({flag.stage, flag.settings})) {
    const Flag other = later.flag({flag.cell.service, std::string(need.feature)});
    const Feature* needed = features::find(need.feature);
    const bool high =
        needed != nullptr && needed->rung(other.stage).value_or(0) >= needed->rung(need.stage).value_or(0);
    const bool whole = !need.whole || other.share == flags::kWhole;
    std::string found = other.stage;
    if (other.share != flags::kWhole) found += " at " + flags::shareText(other.share) + " %";
    states.push_back({need, high && whole, std::move(found)});
  }
  return states;
}

}  // namespace loam::changes
