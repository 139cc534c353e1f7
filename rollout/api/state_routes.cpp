#include <algorithm>
#include <set>

#include "proxy/base/json.h"
#include "proxy/base/nearest.h"
#include "proxy/base/sha256.h"
#include "rollout/api/flag_routes.h"
#include "rollout/api/flag_view.h"
#include "rollout/api/grounds.h"
#include "rollout/api/precondition.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "rollout/api/reach_view.h"
#include "rollout/api/refusal.h"
#include "rollout/api/scoped.h"
#include "rollout/api/times.h"
#include "rollout/changes/mesh_state.h"
#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using changes::MeshPlan;
using changes::MeshState;
using http::Response;

constexpr int kFormat = 1;

/// Unix seconds become RFC 3339 where people read them.
void writeTime(Json::Value& place, const char* name) {
  if (place.isMember(name)) place[name] = graph::rfc3339(place[name].asInt64());
}

Json::Value withTimes(Json::Value state) {
  for (Json::Value& service : state["flags"]) {
    for (Json::Value& flag : service) writeTime(flag, "expires");
  }
  for (Json::Value& freeze : state["freezes"]) writeTime(freeze, "until");
  return state;
}

void readTime(Json::Value& place, const char* name, const std::string& pointer, std::int64_t now,
              std::vector<FieldProblem>& problems) {
  if (!place.isObject() || !place[name].isString()) return;
  const auto time = parseTime(place[name].asString(), now);
  if (time) place[name] = Json::Int64(*time);
  if (time) return;
  problems.push_back({pointer + "/" + name, time.error().context});
  place.removeMember(name);
}

/// And back, wherever one may stand.
Json::Value withoutTimes(Json::Value state, std::int64_t now, std::vector<FieldProblem>& problems) {
  if (state["flags"].isObject()) {
    for (const std::string& service : state["flags"].getMemberNames()) {
      Json::Value& features = state["flags"][service];
      if (!features.isObject()) continue;
      for (const std::string& feature : features.getMemberNames()) {
        readTime(features[feature], "expires", "/flags" + pointerStep(service) + pointerStep(feature), now, problems);
      }
    }
  }
  if (!state["freezes"].isArray()) return state;
  for (Json::ArrayIndex i = 0; i < state["freezes"].size(); ++i)
    readTime(state["freezes"][i], "until", "/freezes/" + std::to_string(i), now, problems);
  return state;
}

Response exportState(const Control& control) {
  const auto desired = control.flags.desired();
  const std::int64_t now = unixSeconds(control.clock.wall());
  Json::Value out = withTimes(changes::stateOf(*desired, now));
  out["format"] = kFormat;
  out["revision"] = Json::UInt64(desired->revision);
  out["at"] = graph::rfc3339(now);
  return at(desired->revision, out);
}

/// A plan with all that is to be said of it before it is done.
struct Foreseen {
  MeshPlan plan;
  std::optional<changes::Change> change;  ///< of its flags; nothing when none changes
  changes::Preview preview;
  Json::Value diff = Json::Value(Json::arrayValue);  ///< [{kind, name, fields}]
  std::vector<FieldProblem> problems;
  std::vector<std::string> warnings;
  std::string code;  ///< why it cannot be applied: "invalid" or "not_ready"; empty when it can
  std::string hash;  ///< of all that would be done, and of what it was seen to change
};

void addDiff(Foreseen& foreseen, const char* kind, const std::string& name, const Json::Value& before,
             const Json::Value& after) {
  Json::Value one(Json::objectValue);
  one["kind"] = kind;
  one["name"] = name;
  one["fields"] = fieldDiff(before, after);
  foreseen.diff.append(std::move(one));
}

std::string nameOf(const flags::Freeze& freeze) {
  const auto orAll = [](const std::string& text) { return text.empty() ? std::string("*") : text; };
  return orAll(freeze.service) + "/" + orAll(freeze.feature);
}

void addPlanDiff(Foreseen& foreseen) {
  for (const changes::Judgement& judgement : foreseen.preview.judgements) {
    addDiff(foreseen, "flag", judgement.after.cell.key(), changes::stateOf(judgement.before),
            changes::stateOf(judgement.after));
  }
  for (const auto& [before, after] : foreseen.plan.services)
    addDiff(foreseen, "service", after.name, changes::stateOf(before), changes::stateOf(after));
  const Json::Value nothing;
  for (const flags::Freeze& freeze : foreseen.plan.begun)
    addDiff(foreseen, "freeze", nameOf(freeze), nothing, changes::stateOf(freeze));
  for (const flags::Freeze& freeze : foreseen.plan.lifted)
    addDiff(foreseen, "freeze", nameOf(freeze), changes::stateOf(freeze), nothing);
}

/// A file may name a service before it is there: said, and not refused.
void warnOfStrangers(const MeshState& state, const fleet::Sight& sight, Foreseen& foreseen) {
  std::set<std::string> named;
  for (const auto& [cell, edit] : state.flags) named.insert(cell.service);
  for (const auto& [name, settings] : state.services) named.insert(name);
  std::vector<std::string> names;
  for (const auto& [name, place] : sight.topology->services) names.push_back(name);
  for (const std::string& service : named) {
    if (service == flags::kEveryService || sight.topology->services.contains(service)) continue;
    foreseen.warnings.push_back("the record knows no service " + inQuotes(service) + " yet" +
                                didYouMean(service, names));
  }
}

/// All that a plan changes, each once. What a file says and is so already is nobody's to refuse.
std::vector<flags::Cell> cellsOf(const MeshPlan& plan) {
  std::set<flags::Cell> cells;
  for (const changes::CellEdit& edit : plan.edits) cells.insert(edit.cell);
  for (const auto& [before, after] : plan.services) cells.insert({after.name, ""});
  for (const auto* freezes : {&plan.begun, &plan.lifted}) {
    for (const flags::Freeze& freeze : *freezes) cells.insert({freeze.service, freeze.feature});
  }
  return {cells.begin(), cells.end()};
}

Result<Foreseen> foresee(const Control& control, const fleet::Sight& sight, const MeshState& state, MeshPlan plan,
                         const audit::Act& act) {
  Foreseen foreseen;
  foreseen.plan = std::move(plan);
  std::string seen;
  if (!foreseen.plan.edits.empty()) {
    auto change = control.changes.draft(foreseen.plan.edits, act);
    if (!change) return fail(std::move(change).error());
    seen = change->hash();
    foreseen.preview = control.changes.preview(*change, {groundsOf(control, sight)});
    foreseen.change = *std::move(change);
  }
  for (const changes::Judgement& judgement : foreseen.preview.judgements) {
    const flags::Cell& cell = judgement.after.cell;
    const auto more = problemsOf(judgement, "/flags" + pointerStep(cell.service) + pointerStep(cell.feature));
    foreseen.problems.insert(foreseen.problems.end(), more.begin(), more.end());
    if (!judgement.problems.empty()) foreseen.code = "invalid";
    if (!more.empty() && foreseen.code.empty()) foreseen.code = "not_ready";
  }
  addPlanDiff(foreseen);
  warnOfStrangers(state, sight, foreseen);
  for (const auto& [before, after] : foreseen.plan.services) seen += "\n" + std::to_string(before.revision);
  foreseen.hash = sha256Hex(seen + writeJson(foreseen.diff));
  return foreseen;
}

Json::Value view(const Foreseen& foreseen, const fleet::Sight& sight) {
  Json::Value out(Json::objectValue);
  out["changed"] = !foreseen.plan.isEmpty();
  out["applies"] = foreseen.problems.empty();
  if (!foreseen.code.empty()) out["code"] = foreseen.code;
  out["hash"] = foreseen.hash;
  out["diff"] = foreseen.diff;
  out["errors"] = Json::Value(Json::arrayValue);
  for (const FieldProblem& one : foreseen.problems) {
    Json::Value error(Json::objectValue);
    error["pointer"] = one.pointer;
    error["detail"] = one.detail;
    out["errors"].append(std::move(error));
  }
  out["warnings"] = Json::Value(Json::arrayValue);
  for (const std::string& warning : foreseen.warnings) out["warnings"].append(warning);
  if (foreseen.change) out["change"] = api::view(*foreseen.change, foreseen.preview, sight);
  return out;
}

/// The documents that go with the flags into one commit.
std::vector<audit::Edit> documentsOf(const MeshPlan& plan, const audit::Act& act, std::uint64_t revision) {
  std::vector<audit::Edit> edits;
  for (const auto& [before, after] : plan.services)
    edits.push_back({std::string(flags::kServiceKind), after.name, before.revision, toJson(after)});
  for (std::size_t i = 0; i < plan.begun.size(); ++i) {
    flags::Freeze freeze = plan.begun[i];
    freeze.id = "fr-" + std::to_string(revision + 1) + (i == 0 ? "" : "-" + std::to_string(i));
    freeze.by = act.who;
    edits.push_back({std::string(flags::kFreezeKind), freeze.id, 0, toJson(freeze)});
  }
  for (const flags::Freeze& freeze : plan.lifted)
    edits.push_back({std::string(flags::kFreezeKind), freeze.id, freeze.revision, std::nullopt});
  return edits;
}

Result<std::uint64_t> carryOut(const Control& control, const Foreseen& foreseen, const fleet::Sight& sight,
                               const audit::Act& act) {
  std::vector<audit::Edit> also = documentsOf(foreseen.plan, act, control.flags.desired()->revision);
  if (foreseen.change) {
    auto applied = control.changes.applyAtOnce(foreseen.plan.edits, std::move(also), act, {groundsOf(control, sight)});
    if (!applied) return fail(std::move(applied).error());
    if (!*applied) return fail(ErrorCode::Conflict, "a flag was changed at this moment");
    return (*applied)->revision;
  }
  const auto done = control.flags.commit(also, act);
  if (!done) return fail(done.error());
  if (!done->stale.empty()) return fail(ErrorCode::Conflict, done->stale.front().key + " was changed at this moment");
  return done->revision;
}

Response importState(const Control& control, const Call& call, const fleet::Sight& sight, bool dry) {
  Ask ask(call, "import", {"flags", "services", "freezes", "format", "revision", "at", "prune", "hash"});
  Fields& fields = ask.fields();
  if (!dry) ask.requireReason();
  if (fields.has("format")) (void)fields.integer("format", kFormat, kFormat);
  const bool prune = fields.boolean("prune").value_or(false);
  const auto hash = fields.text("hash", 64);
  if (auto refused = ask.refuse(); refused && !fields.isObject()) return *std::move(refused);
  std::vector<FieldProblem> problems;
  const Json::Value body = withoutTimes(parseJson(call.request.body).value_or(Json::Value(Json::objectValue)),
                                        unixSeconds(control.clock.wall()), problems);
  const MeshState state = changes::readMeshState(body, problems);
  for (const FieldProblem& problem : problems) fields.problemBelow(problem.pointer, problem.detail);
  if (auto refused = ask.refuse()) return *std::move(refused);
  MeshPlan plan = changes::planOf(*control.flags.desired(), state, prune, unixSeconds(control.clock.wall()));
  if (auto refused = refuseOutside(call.caller, cellsOf(plan))) return *std::move(refused);
  const auto foreseen = foresee(control, sight, state, std::move(plan), ask.act());
  if (!foreseen) return problem(foreseen.error());
  Json::Value said = view(*foreseen, sight);
  said["dry_run"] = dry;
  said["revision"] = Json::UInt64(control.flags.desired()->revision);
  if (dry) return ok(said);
  if (hash && *hash != foreseen->hash && !foreseen->plan.isEmpty()) {
    return withMember(problem(412, "stale", "what it would change moved since it was seen"), "import", said);
  }
  if (!foreseen->problems.empty()) {
    return withMember(problem(422, foreseen->code, "it cannot be applied", foreseen->problems), "import", said);
  }
  if (foreseen->plan.isEmpty()) return ok(said);
  const auto revision = carryOut(control, *foreseen, sight, ask.act());
  if (!revision) return problem(revision.error());
  said["revision"] = Json::UInt64(*revision);
  return ok(said);
}

Response importStrictly(const Control& control, const Call& call, const fleet::Sight& sight) {
  const QueryReader query(call.request, 0);
  if (const Status known = query.expectOnly({"dry_run"}); !known) return problem(known.error());
  const std::string dry = call.request.query("dry_run");
  if (!dry.empty() && dry != "true" && dry != "false")
    return problem(400, "invalid_argument", "dry_run: expected true or false");
  if (dry == "true") return importState(control, call, sight, true);
  return control.answers.once(call, Answers::Keep::Ledger, [&] { return importState(control, call, sight, false); });
}

}  // namespace

void addStateRoutes(Router& router, const Control& control) {
  router.add(Access::Viewer, "GET", "/v1/export",
             [control](const Call&) { return control.reader.run([control] { return exportState(control); }); });
  RouteHandler handler = [control](const Call& call) {
    return control.writer.run(
        [control, call, sight = control.fleet.sight()] { return importStrictly(control, call, sight); });
  };
  router.add(Access::Operator, "POST", "/v1/import", std::move(handler), Scoping::Checked);
}

}  // namespace loam::api
