#include <algorithm>

#include "proxy/base/json.h"
#include "proxy/base/nearest.h"
#include "rollout/api/flag_routes.h"
#include "rollout/api/flag_view.h"
#include "rollout/api/grounds.h"
#include "rollout/api/precondition.h"
#include "rollout/api/problem.h"
#include "rollout/api/refusal.h"
#include "rollout/api/scoped.h"
#include "rollout/api/times.h"
#include "rollout/changes/mesh_state.h"
#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using flags::Flag;
using flags::ServiceSettings;
using http::Response;

/// One thing that somebody patches, in the form that a patch speaks of.
struct Patched {
  std::string_view kind;
  std::string key;
  std::uint64_t revision = 0;
  Json::Value body;                                          ///< its document; null: there is none
  std::function<Json::Value(const Json::Value& body)> form;  ///< of a body of its document; null: of none
};

/// The members that a flag's patch may have.
Json::Value formOf(const Flag& flag) {
  Json::Value out = view(flag, nullptr);
  for (const std::string& name : out.getMemberNames()) {
    constexpr std::string_view kPatched[] = {"stage", "percent", "include", "exclude", "settings", "expires"};
    if (std::find(std::begin(kPatched), std::end(kPatched), name) == std::end(kPatched)) out.removeMember(name);
  }
  return out;
}

Patched patchedFlag(const flags::Desired& desired, const flags::Cell& cell) {
  const Flag flag = desired.flag(cell);
  Patched patched;
  patched.kind = flags::kFlagKind;
  patched.key = cell.key();
  patched.revision = flag.revision;
  if (flag.revision != 0) patched.body = toJson(flag);
  flags::Desired untouched = desired;
  untouched.flags.erase(cell);
  patched.form = [key = patched.key, begins = untouched.flag(cell)](const Json::Value& body) {
    if (body.isNull()) return formOf(begins);
    const auto then = flags::fromDocument({std::string(flags::kFlagKind), key, 1, body});
    return then ? formOf(*then) : Json::Value();
  };
  return patched;
}

Patched patchedService(const flags::Desired& desired, const std::string& name) {
  Patched patched;
  const ServiceSettings settings = desired.service(name);
  patched.kind = flags::kServiceKind;
  patched.key = name;
  patched.revision = settings.revision;
  if (settings.revision != 0) patched.body = toJson(settings);
  patched.form = [](const Json::Value& body) { return body.isNull() ? toJson(ServiceSettings{}) : body; };
  return patched;
}

/// What a patch says, without what it says to the audit log.
Json::Value patchOf(const Call& call) {
  Json::Value patch = parseJson(call.request.body.empty() ? "{}" : call.request.body).value_or(Json::Value());
  if (!patch.isObject()) return Json::Value(Json::objectValue);
  for (const char* name : {"reason", "ticket"}) patch.removeMember(name);
  return patch;
}

/// 412 with what moved since; nothing where the revision is the one that was seen, or where both can be had.
std::optional<Response> refuseStale(const Control& control, const Precondition& asked, const Patched& patched,
                                    const Json::Value& patch, bool& merged) {
  if (asked.admits(patched.revision)) return std::nullopt;
  Json::Value current(Json::objectValue);
  current["revision"] = Json::UInt64(patched.revision);
  Json::Value diff;
  const auto past = pastOf(control.ledger, patched.kind, patched.key, patched.body, asked.seen());
  if (past && past->last) {
    current["changed_by"] = past->last->act.who;
    current["changed_at"] = graph::rfc3339(past->last->at / 1000);
    current["reason"] = past->last->act.reason;
  }
  if (past && past->body && !asked.revisions.empty())
    diff = fieldDiff(patched.form(*past->body), patched.form(patched.body));
  const bool mergeable = diff.isArray() && isDisjoint(diff, patch);
  merged = mergeable && asked.merges;
  if (merged) return std::nullopt;
  Response response = problem(412, "stale", patched.key + " changed since you read it");
  response = withMember(std::move(response), "current", std::move(current));
  if (diff.isArray()) response = withMember(std::move(response), "diff", std::move(diff));
  response = withMember(std::move(response), "mergeable", mergeable);
  response.headers.emplace_back("ETag", etagOf(patched.revision));
  return response;
}

/// The edit that a merge patch means: null is where every flag begins, settings are merged into what they are.
Json::Value editOf(const Flag& flag, const Json::Value& patch) {
  Json::Value edit(Json::objectValue);
  edit["service"] = flag.cell.service;
  edit["feature"] = flag.cell.feature;
  const features::Feature* feature = features::find(flag.cell.feature);
  const std::map<std::string, Json::Value> beginning = {{"stage", std::string(feature->initial)},
                                                        {"percent", "100"},
                                                        {"include", Json::Value(Json::arrayValue)},
                                                        {"exclude", Json::Value(Json::arrayValue)},
                                                        {"expires", 0}};
  for (const std::string& name : patch.getMemberNames()) {
    const auto begins = beginning.find(name);
    if (name == "settings") {
      edit[name] = mergePatch(flag.settings, patch[name].isNull() ? Json::Value(Json::objectValue) : patch[name]);
      if (patch[name].isNull()) edit[name] = Json::Value(Json::objectValue);
    } else {
      edit[name] = patch[name].isNull() && begins != beginning.end() ? begins->second : patch[name];
    }
  }
  return edit;
}

Response withMerge(Response response, bool merged) {
  if (merged) response.headers.emplace_back("Preference-Applied", "merge");
  return response;
}

Response patchFlag(const Control& control, const Call& call, const fleet::Sight& sight) {
  const flags::Cell cell{call.names.at("service"), call.names.at("feature")};
  const features::Feature* feature = features::find(cell.feature);
  if (feature == nullptr) return problem(404, "not_found", "there is no feature \"" + cell.feature + "\"");
  const auto precondition = preconditionOf(call.request);
  if (!precondition) return precondition.error();
  Ask ask(call, "flag.patch", {"stage", "percent", "include", "exclude", "settings", "expires"});
  ask.requireReason();
  if (auto refused = ask.refuse()) return *std::move(refused);
  const auto desired = control.flags.desired();
  const Json::Value patch = patchOf(call);
  bool merged = false;
  if (auto stale = refuseStale(control, *precondition, patchedFlag(*desired, cell), patch, merged))
    return *std::move(stale);
  Json::Value edit = editOf(desired->flag(cell), patch);
  std::vector<FieldProblem> problems;
  if (edit["expires"].isString()) {
    const auto time = parseTime(edit["expires"].asString(), unixSeconds(control.clock.wall()));
    if (time) edit["expires"] = Json::Int64(*time);
    if (!time) problems.push_back({"/expires", time.error().context});
    if (!time) edit.removeMember("expires");
  }
  Fields fields(edit, "", problems,
                {"service", "feature", "stage", "percent", "include", "exclude", "settings", "expires"});
  const changes::CellEdit read = changes::readCellEdit(fields);
  if (!problems.empty()) return problem(400, "invalid_argument", text(problems), problems);
  const auto drafted = control.changes.draft({read}, ask.act());
  if (!drafted) return problem(drafted.error());
  const changes::Judgement judged = control.changes.preview(*drafted).judgements.front();
  if (judged.problems.empty() && changes::saysTheSame(judged.before, judged.after)) {
    return withMerge(at(judged.before.revision, view(judged.before, nullptr)), merged);
  }
  const auto applied = control.changes.applyAtOnce({read}, {}, ask.act(), {groundsOf(control, sight)});
  if (!applied) return problem(applied.error());
  if (!*applied) return refusal(applied->error(), "");
  const auto now = control.flags.desired();
  const Flag flag = now->flag(cell);
  return withMerge(at(flag.revision, view(flag, now->frozen(cell, unixSeconds(control.clock.wall())))), merged);
}

Json::Value viewOf(const ServiceSettings& settings) {
  Json::Value out = toJson(settings);
  out["name"] = settings.name;
  out["revision"] = Json::UInt64(settings.revision);
  return out;
}

Response showService(const Control& control, const Call& call) {
  const ServiceSettings settings = control.flags.desired()->service(call.names.at("service"));
  return at(settings.revision, viewOf(settings));
}

Response patchService(const Control& control, const Call& call, const fleet::Sight&) {
  constexpr std::size_t kMostTags = 64;
  const std::string name = call.names.at("service");
  const auto precondition = preconditionOf(call.request);
  if (!precondition) return precondition.error();
  Ask ask(call, "service.set", {"owner", "tier", "tags", "captured"});
  Fields& fields = ask.fields();
  const auto desired = control.flags.desired();
  ServiceSettings settings = desired->service(name);
  const Json::Value patch = patchOf(call);
  const auto isSaid = [&patch](const char* member) { return patch.isMember(member); };
  if (isSaid("owner")) settings.owner = fields.text("owner", 128).value_or("");
  if (isSaid("tier")) settings.tier = fields.text("tier", 64).value_or("");
  if (isSaid("tags")) settings.tags = fields.texts("tags", kMostTags);
  if (isSaid("captured")) settings.captured = fields.boolean("captured").value_or(true);
  if (auto refused = ask.refuse()) return *std::move(refused);
  bool merged = false;
  if (auto stale = refuseStale(control, *precondition, patchedService(*desired, name), patch, merged))
    return *std::move(stale);
  std::sort(settings.tags.begin(), settings.tags.end());
  settings.tags.erase(std::unique(settings.tags.begin(), settings.tags.end()), settings.tags.end());
  const audit::Edit edit{std::string(flags::kServiceKind), name, settings.revision, toJson(settings)};
  const auto done = control.flags.commit({&edit, 1}, ask.act());
  if (!done) return problem(done.error());
  if (!done->stale.empty()) return problem(409, "conflict", name + " was changed at this moment");
  settings = control.flags.desired()->service(name);
  return withMerge(at(settings.revision, viewOf(settings)), merged);
}

/// What a path is about; without a feature the whole service.
flags::Cell cellOf(const Call& call) {
  const auto feature = call.names.find("feature");
  return {call.names.at("service"), feature == call.names.end() ? std::string() : feature->second};
}

}  // namespace

void addPatchRoutes(Router& router, const Control& control) {
  const auto patch = [&](const char* pattern, Response (*answer)(const Control&, const Call&, const fleet::Sight&)) {
    RouteHandler handler = [control, answer](const Call& call) {
      return control.writer.run([control, call, answer, sight = control.fleet.sight()] {
        if (auto refused = refuseOutside(call.caller, {cellOf(call)})) return *std::move(refused);
        return answer(control, call, sight);
      });
    };
    router.add(Access::Operator, "PATCH", pattern, std::move(handler), Scoping::Checked);
  };
  patch("/v1/services/{service}/features/{feature}", patchFlag);
  patch("/v1/services/{service}/settings", patchService);
  router.add(Access::Viewer, "GET", "/v1/services/{service}/settings", [control](const Call& call) {
    return control.reader.run([control, call] { return showService(control, call); });
  });
}

}  // namespace loam::api
